"""What `build` makes of a design, and the quick Dropout against what nn.Dropout promises."""

import re
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from mnistnet.nets.architecture import (
    Architecture,
    AvgPool,
    Conv,
    DesignError,
    Dropout2d,
    GlobalAvgPool,
    Linear,
    MaxPool,
)
from mnistnet.nets.architecture import Dropout as DropoutLayer
from mnistnet.nets.network import Dropout, build, torchinfo_summary
from mnistnet.nets.presets import FIRST, PRESETS
from tests.support.random_designs import designs

SHAPE = (8, 16, 28, 28)


def _weights(network: nn.Module) -> Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in network.parameters()])


# Networks.


def test_ten_logits_leave_for_each_image() -> None:
    for design in designs(50, seed=10):
        with torch.inference_mode():
            assert build(design).eval()(torch.zeros(3, 1, 28, 28)).shape == (3, 10)


def test_modules_stand_in_the_designs_order_and_are_named_after_it() -> None:
    layers = (
        Conv(channels=4, kernel=3, after=("relu", "dropout", "batchnorm", "dropout2d"), dropout=0.1),
        MaxPool(size=2),
        AvgPool(size=3),
        DropoutLayer(rate=0.2),
        Dropout2d(rate=0.3),
        GlobalAvgPool(),
        Linear(features=8),
        Linear(features=10),
    )
    names = [name for name, _ in build(Architecture(name="n", layers=layers)).named_children()]
    assert names == [
        *("conv_1", "relu_1", "dropout_1", "batchnorm_1", "dropout2d_1"),
        *("maxpool_2", "avgpool_3", "dropout_4", "dropout2d_5", "globalavgpool_6"),
        *("flatten_7", "linear_7", "linear_8"),
    ]


def test_a_network_that_ends_in_maps_is_flattened() -> None:
    design = Architecture(name="n", layers=(GlobalAvgPool(), Conv(channels=10, kernel=1)))
    assert [name for name, _ in build(design).named_children()] == ["globalavgpool_1", "conv_2", "flatten"]


def test_modules_have_the_designs_numbers() -> None:
    conv = Conv(channels=6, kernel=5, stride=2, padding=3, bias=True, after=("dropout2d", "dropout"), dropout=0.25)
    network = build(Architecture(name="n", layers=(conv, GlobalAvgPool(), Conv(channels=10, kernel=1))))
    assert [repr(module) for module in network.children()] == [
        "Conv2d(1, 6, kernel_size=(5, 5), stride=(2, 2), padding=(3, 3))",
        "Dropout2d(p=0.25, inplace=False)",
        "Dropout(p=0.25, inplace=False)",
        "AdaptiveAvgPool2d(output_size=1)",
        "Conv2d(6, 10, kernel_size=(1, 1), stride=(1, 1), bias=False)",
        "Flatten(start_dim=1, end_dim=-1)",
    ]


def test_the_same_seed_gives_the_same_weights() -> None:
    first = _weights(build(FIRST.architecture, seed=7))
    torch.rand(5)
    assert torch.equal(first, _weights(build(FIRST.architecture, seed=7)))


def test_another_seed_gives_other_weights() -> None:
    assert not torch.equal(_weights(build(FIRST.architecture, seed=7)), _weights(build(FIRST.architecture, seed=8)))


def test_weights_are_torchs_defaults_under_the_seed() -> None:
    design = Architecture(name="n", layers=(GlobalAvgPool(), Conv(channels=10, kernel=1, bias=True)))
    with torch.random.fork_rng():
        torch.manual_seed(3)
        usual = nn.Conv2d(1, 10, 1)
    assert torch.equal(_weights(build(design, seed=3)), _weights(usual))


def test_building_leaves_the_generator_as_it_was() -> None:
    before = torch.get_rng_state()
    build(FIRST.architecture, seed=1)
    assert torch.equal(torch.get_rng_state(), before)


def test_building_leaves_the_graphics_cards_generators_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    seeded: list[int] = []
    monkeypatch.setattr(torch.cuda, "manual_seed_all", seeded.append)
    build(FIRST.architecture, seed=1)
    assert seeded == []


def test_an_impossible_design_is_not_built() -> None:
    with pytest.raises(DesignError, match=r"^layers\.1: 3×3 pooling does not fit on a 1×1 map"):
        build(Architecture(name="n", layers=(GlobalAvgPool(), MaxPool(size=3))))


def test_a_monstrous_design_is_not_built() -> None:
    wide = Conv(channels=512, kernel=7, padding=3)
    with pytest.raises(DesignError, match=r"parameters, most of them here: at most 5,000,000 are allowed"):
        build(Architecture(name="n", layers=(*[wide] * 60, GlobalAvgPool(), Conv(channels=10, kernel=1))))


@pytest.mark.parametrize("name", PRESETS)
def test_the_summary_holds_the_total(name: str) -> None:
    table = torchinfo_summary(PRESETS[name].architecture)
    assert re.search(rf"^Total params: {PRESETS[name].params:,}$", table, re.MULTILINE)


# Dropout. Shares are held to five standard deviations; the seed makes them the same every time.


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(5)


@pytest.mark.parametrize("p", [0.01, 0.05, 0.25, 0.5, 0.9])
def test_dropout_drops_the_share_it_should(p: float) -> None:
    ones = torch.ones(40, 16, 28, 28)
    share = float((Dropout(p)(ones) == 0).float().mean())
    assert share == pytest.approx(p, abs=5 * (p * (1 - p) / ones.numel()) ** 0.5)


@pytest.mark.parametrize("shape", [(1,), (2,), (16,), (3, 10), (128, 16)])
def test_dropout_of_few_values_drops_the_share_it_should(shape: tuple[int, ...]) -> None:
    dropout, ones, times = Dropout(0.05), torch.ones(shape), 4000
    share = sum(float((dropout(ones) == 0).float().mean()) for _ in range(times)) / times
    assert share == pytest.approx(0.05, abs=5 * (0.05 * 0.95 / (times * ones.numel())) ** 0.5)


def test_dropout_keeps_the_mean() -> None:
    assert float(Dropout(0.25)(torch.ones(100, 16, 28, 28)).mean()) == pytest.approx(1, abs=0.003)


def test_dropout_divides_what_it_keeps_by_the_share_kept() -> None:
    values = torch.randn(SHAPE)
    dropped = Dropout(0.2)(values)
    kept = dropped != 0
    torch.testing.assert_close(dropped[kept], values[kept] / 0.8)


def test_dropout_leaves_its_input_as_it_was() -> None:
    values = torch.ones(SHAPE)
    Dropout(0.5)(values)
    assert bool((values == 1).all())


def test_dropout_is_drawn_anew_each_time() -> None:
    dropout, ones = Dropout(0.5), torch.ones(SHAPE)
    assert not torch.equal(dropout(ones), dropout(ones))


def test_dropout_follows_the_seed() -> None:
    dropout, ones = Dropout(0.5), torch.ones(SHAPE)
    torch.manual_seed(1)
    first = dropout(ones)
    torch.manual_seed(1)
    assert torch.equal(dropout(ones), first)


def test_dropout_reaches_every_place_alike() -> None:
    dropout, ones, times = Dropout(0.5), torch.ones(4, 8, 12, 12), 400
    shares = sum((dropout(ones) == 0).float() for _ in range(times)) / times
    assert isinstance(shares, Tensor)
    assert float((shares - 0.5).abs().max()) < 5 * (0.25 / times) ** 0.5


def _as_channels_last(values: Tensor) -> Tensor:
    return values.contiguous(memory_format=torch.channels_last)


def _every_second_column(values: Tensor) -> Tensor:
    return values.repeat_interleave(2, dim=3)[..., ::2]


def _turned(values: Tensor) -> Tensor:
    return values.transpose(1, 3).contiguous().transpose(1, 3)


def _repeated(values: Tensor) -> Tensor:
    return values[:1].expand(values.shape)


Layout = Callable[[Tensor], Tensor]
_LAYOUTS: list[Layout] = [Tensor.contiguous, _as_channels_last, _every_second_column, _turned, _repeated]
_LAYOUT_NAMES = ["contiguous", "channels last", "every second column", "turned", "repeated"]


@pytest.mark.parametrize("layout", _LAYOUTS, ids=_LAYOUT_NAMES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_dropouts_gradient_is_zero_exactly_where_its_output_is(layout: Layout, dtype: torch.dtype) -> None:
    values = layout(torch.rand(SHAPE).add(0.5).to(dtype)).detach().requires_grad_()
    dropped = Dropout(0.3)(values)
    # A gradient of its own layout: contiguous, whatever the output's is.
    (gradient,) = torch.autograd.grad(dropped, values, torch.full(SHAPE, 2.0, dtype=dtype))
    assert torch.equal(gradient == 0, dropped == 0)


@pytest.mark.parametrize("layout", _LAYOUTS, ids=_LAYOUT_NAMES)
def test_dropouts_gradient_is_scaled_like_its_output(layout: Layout) -> None:
    values = layout(torch.rand(SHAPE).add(0.5)).detach().requires_grad_()
    dropped = Dropout(0.3)(values)
    weights = torch.rand(SHAPE)
    (gradient,) = torch.autograd.grad(dropped, values, weights)
    torch.testing.assert_close(gradient, weights * (dropped != 0) / 0.7)


@pytest.mark.parametrize("layout", _LAYOUTS, ids=_LAYOUT_NAMES)
def test_dropout_drops_the_share_it_should_in_every_layout(layout: Layout) -> None:
    values = layout(torch.ones(SHAPE))
    share = float((Dropout(0.3)(values) == 0).float().mean())
    assert share == pytest.approx(0.3, abs=5 * (0.3 * 0.7 / values.numel()) ** 0.5)


def test_dropout_keeps_channels_last() -> None:
    dropped = Dropout(0.3)(torch.ones(SHAPE).contiguous(memory_format=torch.channels_last))
    assert dropped.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_dropout_keeps_shape_and_dtype(dtype: torch.dtype) -> None:
    dropped = Dropout(0.3)(torch.ones(SHAPE, dtype=dtype))
    assert (dropped.shape, dropped.dtype) == (SHAPE, dtype)


def test_dropout_of_no_images_is_empty() -> None:
    assert Dropout(0.3)(torch.ones(0, 16, 28, 28)).shape == (0, 16, 28, 28)


def test_dropout_changes_nothing_when_evaluating() -> None:
    values = torch.randn(SHAPE)
    assert torch.equal(Dropout(0.5).eval()(values), values)


def test_dropout_of_rate_zero_changes_nothing() -> None:
    values = torch.randn(SHAPE)
    assert torch.equal(Dropout(0.0)(values), values)


def test_evaluating_draws_nothing() -> None:
    before = torch.get_rng_state()
    Dropout(0.5).eval()(torch.ones(SHAPE))
    assert torch.equal(torch.get_rng_state(), before)


def test_a_network_in_training_uses_the_designs_rate() -> None:
    layers = (DropoutLayer(rate=0.75), Conv(channels=10, kernel=1), GlobalAvgPool())
    dropout = build(Architecture(name="n", layers=layers)).train()[0]
    assert float((dropout(torch.ones(64, 1, 28, 28)) == 0).float().mean()) == pytest.approx(0.75, abs=0.01)
