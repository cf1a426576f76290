"""The random affine map against cases worked out by hand, with the draws fixed to known values."""

import math

import pytest
import torch
from torch import Tensor

from mnistnet.training.augmentation import KNOTS, distorted, sampled
from mnistnet.training.kernels import warp


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(11)


@pytest.fixture
def drawing(monkeypatch: pytest.MonkeyPatch) -> "_Draw":
    return _Draw(monkeypatch)


class _Draw:
    """Lets each image draw what the test says: angle, scale, shift across and down, -1 to 1, 0 for no change."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch

    def __call__(self, *images: tuple[float, float, float, float]) -> None:
        fixed = (torch.tensor(images).T + 1) / 2

        def rand(*shape: int, **_: object) -> Tensor:
            assert shape == fixed.shape
            return fixed

        self._monkeypatch.setattr(torch, "rand", rand)


def _dot(row: int, column: int, side: int = 28) -> Tensor:
    images = torch.zeros(1, 1, side, side)
    images[0, 0, row, column] = 1
    return images


def _where(images: Tensor) -> list[tuple[int, int]]:
    """(row, column) of what is brighter than half."""
    return [(int(row), int(column)) for _, _, row, column in (images > 0.5).nonzero()]


def test_no_strength_returns_the_same_tensor() -> None:
    images = torch.rand(4, 1, 28, 28)
    assert distorted(images, degrees=0, shift=0, scale=0) is images


def test_no_strength_draws_nothing() -> None:
    before = torch.get_rng_state()
    distorted(torch.zeros(4, 1, 28, 28), degrees=0, shift=0, scale=0)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_draw_of_zero_changes_nothing(drawing: _Draw) -> None:
    images = torch.rand(1, 1, 28, 28)
    drawing((0, 0, 0, 0))
    torch.testing.assert_close(distorted(images, degrees=30, shift=0.2, scale=0.3), images, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("across", "down", "place"),
    [(1, 0, (14, 12)), (-1, 0, (14, 16)), (0, 1, (12, 14)), (0, -1, (16, 14)), (1, -1, (16, 12)), (0.5, 0, (14, 13))],
)
def test_a_shift_of_two_pixels_moves_a_dot_by_two(
    drawing: _Draw, across: float, down: float, place: tuple[int, int]
) -> None:
    drawing((0, 0, across, down))
    assert _where(distorted(_dot(14, 14), degrees=0, shift=2 / 28, scale=0)) == [place]


def test_a_shift_of_half_a_pixel_shares_a_dot_between_two(drawing: _Draw) -> None:
    drawing((0, 0, 1, 0))
    moved = distorted(_dot(14, 14), degrees=0, shift=0.5 / 28, scale=0)
    torch.testing.assert_close(moved, (_dot(14, 13) + _dot(14, 14)) / 2, rtol=0, atol=1e-5)


def test_what_is_shifted_out_is_gone_and_background_comes_in(drawing: _Draw) -> None:
    drawing((0, 0, 1, 0))
    moved = distorted(torch.ones(1, 1, 28, 28), degrees=0, shift=3 / 28, scale=0)
    expected = torch.ones(1, 1, 28, 28)
    expected[..., 25:] = 0
    torch.testing.assert_close(moved, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize(("draw", "turns"), [(1, 1), (-1, -1)])
def test_a_quarter_turn_is_a_quarter_turn(drawing: _Draw, draw: float, turns: int) -> None:
    images = torch.rand(1, 1, 28, 28)
    drawing((draw, 0, 0, 0))
    turned = distorted(images, degrees=90, shift=0, scale=0)
    torch.testing.assert_close(turned, torch.rot90(images, turns, (2, 3)), rtol=0, atol=1e-4)


def test_an_eighth_turn_takes_the_upper_left_to_the_left(drawing: _Draw) -> None:
    drawing((1, 0, 0, 0))
    turned = distorted(_dot(7, 7, side=29), degrees=45, shift=0, scale=0)  # the middle is (14, 14)
    assert divmod(int(turned.argmax()), 29) == (14, round(14 - 7 * math.sqrt(2)))


def test_half_the_angle_is_drawn_at_half_strength(drawing: _Draw) -> None:
    images = torch.rand(1, 1, 28, 28)
    drawing((0.5, 0, 0, 0))
    half = distorted(images, degrees=40, shift=0, scale=0)
    drawing((1, 0, 0, 0))
    torch.testing.assert_close(half, distorted(images, degrees=20, shift=0, scale=0))


def test_a_factor_of_two_doubles_the_sides(drawing: _Draw) -> None:
    square = torch.zeros(1, 1, 28, 28)
    square[..., 10:18, 10:18] = 1
    drawing((0, 1, 0, 0))
    enlarged = distorted(square, degrees=0, shift=0, scale=1)
    assert enlarged[..., 7:21, 7:21].min() == 1
    assert enlarged.sum() == pytest.approx(16 * 16, rel=0.01)


def test_a_factor_of_a_half_halves_the_sides(drawing: _Draw) -> None:
    square = torch.zeros(1, 1, 28, 28)
    square[..., 6:22, 6:22] = 1
    drawing((0, -1, 0, 0))
    reduced = distorted(square, degrees=0, shift=0, scale=0.5)
    expected = torch.zeros(1, 1, 28, 28)
    expected[..., 10:18, 10:18] = 1
    torch.testing.assert_close(reduced, expected, rtol=0, atol=1e-5)


def test_the_background_stays_zero() -> None:
    assert int(distorted(torch.zeros(64, 1, 28, 28), degrees=45, shift=0.5, scale=0.5).count_nonzero()) == 0


def test_values_stay_between_background_and_ink() -> None:
    changed = distorted(torch.rand(64, 1, 28, 28), degrees=45, shift=0.5, scale=0.5)
    assert changed.min() >= 0
    assert changed.max() <= 1


def test_each_image_is_changed_by_its_own_draws() -> None:
    changed = distorted(torch.rand(1, 1, 28, 28).expand(64, 1, 28, 28), degrees=10, shift=0.1, scale=0.1)
    assert len(torch.unique(changed, dim=0)) == 64


def test_an_image_is_not_touched_by_its_neighbours(drawing: _Draw) -> None:
    images = torch.rand(2, 1, 28, 28)
    drawing((0.3, -0.2, 0.7, 0.1), (-1, 1, 1, -1))
    together = distorted(images, degrees=10, shift=0.1, scale=0.1)
    drawing((0.3, -0.2, 0.7, 0.1))
    torch.testing.assert_close(together[:1], distorted(images[:1], degrees=10, shift=0.1, scale=0.1))


def test_shifts_reach_both_ways_and_no_further() -> None:
    dots = _dot(14, 14).expand(2000, 1, 28, 28)
    places = distorted(dots, degrees=0, shift=3 / 28, scale=0).flatten(1).argmax(1)
    for axis in (places // 28, places % 28):
        assert (int(axis.min()), int(axis.max())) == (11, 17)


def test_shifts_along_both_axes_are_independent() -> None:
    dots = _dot(14, 14).expand(4000, 1, 28, 28)
    places = distorted(dots, degrees=0, shift=4 / 28, scale=0).flatten(1).argmax(1)
    correlation = torch.corrcoef(torch.stack([places // 28, places % 28]).float())[0, 1]
    assert abs(float(correlation)) < 0.08


def test_the_same_seed_gives_the_same_images() -> None:
    images = torch.rand(8, 1, 28, 28)
    torch.manual_seed(1)
    first = distorted(images, degrees=10, shift=0.1, scale=0.1)
    torch.manual_seed(1)
    assert torch.equal(distorted(images, degrees=10, shift=0.1, scale=0.1), first)


def test_the_images_given_stay_as_they_were() -> None:
    images = torch.rand(8, 1, 28, 28)
    before = images.clone()
    distorted(images, degrees=10, shift=0.1, scale=0.1)
    assert torch.equal(images, before)


def test_shape_and_dtype_stay() -> None:
    changed = distorted(torch.rand(8, 1, 28, 28), degrees=10, shift=0.1, scale=0.1)
    assert (changed.shape, changed.dtype) == ((8, 1, 28, 28), torch.float32)


# Bent


class _Bend:
    """Lets each image's knots be displaced by what the test says: (across, down, KNOTS, KNOTS), in units of `bend`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch

    def __call__(self, knots: Tensor) -> None:
        def randn(*shape: int, **_: object) -> Tensor:
            assert shape == (1, 2, KNOTS, KNOTS)
            return knots.view(shape)

        self._monkeypatch.setattr(torch, "randn", randn)


@pytest.fixture
def bending(monkeypatch: pytest.MonkeyPatch) -> _Bend:
    return _Bend(monkeypatch)


def _bent(images: Tensor, bend: float = 1.0) -> Tensor:
    return distorted(images, degrees=0, shift=0, scale=0, bend=bend)


@pytest.mark.parametrize(("axis", "place"), [(0, (14, 12)), (1, (12, 14))])
def test_knots_that_all_move_alike_shift_the_image(bending: _Bend, axis: int, place: tuple[int, int]) -> None:
    knots = torch.zeros(2, KNOTS, KNOTS)
    knots[axis] = 1
    bending(knots)
    assert _where(_bent(_dot(14, 14), bend=2.0)) == [place]


def test_a_knot_moves_what_is_near_it_and_nothing_else(bending: _Bend) -> None:
    knots = torch.zeros(2, KNOTS, KNOTS)
    knots[0, 0, -1] = 3  # the upper right corner looks three pixels further right
    bending(knots)
    images = torch.rand(1, 1, 29, 29)
    moved = _bent(images)
    assert float(moved[0, 0, 0, -1]) == 0
    torch.testing.assert_close(moved[..., :22], images[..., :22], rtol=0, atol=1e-5)
    torch.testing.assert_close(moved[..., 7:, :], images[..., 7:, :], rtol=0, atol=1e-5)
    assert not torch.allclose(moved[..., :6, 23:], images[..., :6, 23:], atol=0.05)


def test_between_two_knots_the_displacement_is_linear(bending: _Bend) -> None:
    knots = torch.zeros(2, KNOTS, KNOTS)
    knots[0, :, 2] = 4  # the middle column of 29 looks four pixels further right, the 7th and 21st stay
    bending(knots)
    ramp = torch.arange(29.0).expand(1, 1, 29, 29)
    torch.testing.assert_close(
        _bent(ramp)[0, 0, 5, 7:22] - ramp[0, 0, 5, 7:22], 4 - (torch.arange(-7.0, 8) * 4 / 7).abs()
    )


def test_displacements_have_the_given_deviation() -> None:
    ramp = torch.arange(56.0).expand(4000, 1, 56, 56)
    between = _bent(ramp, bend=2.0)[:, 0, 34, 34] - 34  # nearly in the middle of four: of their mean
    knot = _bent(ramp[..., :29, :29], bend=2.0)[:, 0, 14, 14] - 14
    assert abs(float(knot.mean())) < 0.15
    assert float(knot.std()) == pytest.approx(2.0, rel=0.06)
    assert float(between.std()) == pytest.approx(1.0, rel=0.1)


def test_each_image_and_each_axis_is_bent_by_its_own_draws() -> None:
    across = torch.arange(29.0).expand(4000, 1, 29, 29)
    torch.manual_seed(4)
    right = _bent(across)[:, 0, 14, 14]
    torch.manual_seed(4)
    down = _bent(across.mT)[:, 0, 14, 14]
    for one, other in ((right, down), (right[1:], right[:-1])):
        assert abs(float(torch.corrcoef(torch.stack([one, other]))[0, 1])) < 0.08


def test_without_bending_the_draws_are_those_of_the_affine_map_alone() -> None:
    images = torch.rand(8, 1, 28, 28)
    torch.manual_seed(1)
    distorted(images, degrees=10, shift=0.1, scale=0.1)
    after = torch.get_rng_state()
    torch.manual_seed(1)
    torch.rand(4, 8)
    assert torch.equal(torch.get_rng_state(), after)


@pytest.mark.parametrize("knots", [0, 2, KNOTS])
@pytest.mark.parametrize("size", [(28, 28), (13, 31)])
def test_the_compiled_loop_is_torchs_own_sampling(knots: int, size: tuple[int, int]) -> None:
    images = torch.rand(16, 1, *size)
    theta = torch.tensor([1.0, 0, 0, 0, 1, 0]) + torch.randn(16, 6) * 0.2
    bends = torch.randn(16, 2, knots, knots) * 2
    moved = warp(images, theta, bends)
    torch.testing.assert_close(moved, sampled(images, theta, bends), rtol=0, atol=5e-5)
