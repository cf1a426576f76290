"""Training time before it is spent: the model by hand, its fit, and what measured epochs make of it."""

from collections.abc import Iterable

import pytest

from mnistnet.links import decode_design
from mnistnet.nets.architecture import Architecture
from mnistnet.nets.presets import PRESETS
from mnistnet.nets.summary import summarize
from mnistnet.training import acceleration
from mnistnet.training.estimate import Measured, estimate, seconds_per_image
from tests.support.samples import conv, design

# 1x28x28 -> 10x28x28 -> 10x1x1: 70,560 multiply-accumulates; 7,840 values leave the convolution, 7,840 the
# batch norm and 10 the pooling.
SMALL = design(conv(10, padding=1, after=["batchnorm", "relu"]), {"type": "globalavgpool"})
SMALL_SECONDS = 3.3e-5 + 70_560 * 2.6e-11 + 15_690 * 3e-10

# Seconds an epoch of 60,000 images took, as the module states them.
FITTED = {"mnistnet-16k as it was": 5.9, "course-10040": 8.9, "course-19122": 12.1}
FORMER = (
    "1~c16k3s1p1-br0_m2_"
    + "c16k3s1p1-br0_" * 3
    + "m2_"
    + "c24k3s1p1-br0_" * 2
    + "g_c10k1s1p0i-0~mnistnet-16k as it was"
)


def fitted(name: str) -> Architecture:
    return PRESETS[name].architecture if name in PRESETS else decode_design(FORMER)


def as_slow_as(times: float, network: Architecture = SMALL) -> Measured:
    """An epoch that was `times` as slow as the model says."""
    return Measured(network, 1 / (times * seconds_per_image(network)))


def test_the_model_adds_a_constant_the_multiplications_and_the_values_passed_on() -> None:
    assert seconds_per_image(SMALL) == pytest.approx(SMALL_SECONDS)


def test_dropping_whole_channels_costs_next_to_nothing() -> None:
    dropping = design(conv(10, padding=1, after=["batchnorm", "relu", "dropout2d"]), {"type": "globalavgpool"})
    assert seconds_per_image(dropping) == pytest.approx(SMALL_SECONDS)


def test_dropping_single_values_costs_a_pass_over_them() -> None:
    dropping = design(conv(10, padding=1, after=["batchnorm", "relu", "dropout"]), {"type": "globalavgpool"})
    assert seconds_per_image(dropping) == pytest.approx(SMALL_SECONDS + 7_840 * 3e-10)


@pytest.mark.parametrize("name", FITTED)
def test_the_model_comes_near_the_epochs_it_was_fitted_to(name: str) -> None:
    assert 60_000 * seconds_per_image(fitted(name)) == pytest.approx(FITTED[name], rel=0.1)


def test_a_network_that_cannot_be_built_still_has_an_estimate() -> None:
    impossible = design({"type": "maxpool", "size": 28}, conv(10, 7))
    assert summarize(impossible).fault
    assert seconds_per_image(impossible) > 0


def test_without_a_measurement_the_model_stands_alone() -> None:
    assert estimate(SMALL, images=1_000, epochs=3, seen=[]).seconds == pytest.approx(3_000 * SMALL_SECONDS)


def test_one_measured_epoch_corrects_another_network_by_its_ratio() -> None:
    other = fitted("course-10040")
    guess = estimate(other, images=1_000, epochs=1, seen=[as_slow_as(2.5)])
    assert guess.seconds == pytest.approx(2_500 * seconds_per_image(other))


def test_one_odd_epoch_among_several_changes_nothing() -> None:
    guess = estimate(SMALL, images=1, epochs=1, seen=[as_slow_as(times) for times in (2, 900, 2)])
    assert guess.seconds == pytest.approx(2 * SMALL_SECONDS)


def test_without_a_measurement_the_range_is_wide() -> None:
    guess = estimate(SMALL, images=1_000, epochs=1, seen=[])
    assert (guess.low, guess.high) == pytest.approx((0.5 * guess.seconds, 4 * guess.seconds))


def test_the_range_holds_all_that_was_measured_with_a_margin() -> None:
    guess = estimate(SMALL, images=1_000, epochs=1, seen=[as_slow_as(times) for times in (2, 3, 5)])
    assert guess.low == pytest.approx(1_000 * 2 / 1.25 * SMALL_SECONDS)
    assert guess.high == pytest.approx(1_000 * 5 * 1.25 * SMALL_SECONDS)


def test_one_odd_epoch_does_not_stretch_the_range() -> None:
    guess = estimate(SMALL, images=1, epochs=1, seen=[as_slow_as(times) for times in (2, 900, 2)])
    assert guess.high == pytest.approx(2 * 1.25 * SMALL_SECONDS)


def test_two_measurements_far_apart_still_give_a_range_around_the_estimate() -> None:
    guess = estimate(SMALL, images=1, epochs=1, seen=[as_slow_as(1), as_slow_as(100)])
    assert guess.low < guess.seconds < guess.high


def test_a_network_measured_before_is_estimated_as_it_was() -> None:
    guess = estimate(SMALL, images=60_000, epochs=20, seen=[Measured(SMALL, 4_000.0)])
    assert guess.seconds == pytest.approx(20 * 60_000 / 4_000)


@pytest.mark.parametrize(
    ("seen", "counted"),
    [
        ([], 0),
        ([as_slow_as(3)], 1),
        ([as_slow_as(3), as_slow_as(4)], 2),
        ([Measured(SMALL, 0.0), as_slow_as(3)], 1),
        (iter([as_slow_as(3)]), 1),
    ],
    ids=["none", "one", "two", "one without a speed", "a stream"],
)
def test_an_estimate_says_how_many_measured_epochs_it_rests_on(seen: Iterable[Measured], counted: int) -> None:
    assert estimate(SMALL, images=1, epochs=1, seen=seen).runs_seen == counted


@pytest.mark.parametrize(("images", "epochs"), [(2_000, 1), (1_000, 2)])
def test_twice_the_images_or_epochs_take_twice_the_time(images: int, epochs: int) -> None:
    once = estimate(SMALL, images=1_000, epochs=1, seen=[])
    assert estimate(SMALL, images=images, epochs=epochs, seen=[]).seconds == pytest.approx(2 * once.seconds)


# Inside and outside the fast path


def separable(kernel: int = 3, **fields: bool) -> Architecture:
    """1x28x28 -> 8x28x28 -> 8x28x28 twice -> 10: a depthwise separable convolution behind an unpadded 1x1."""
    return design(
        conv(8, 1),
        {"type": "depthwise", "kernel": kernel, "padding": kernel // 2, **fields},
        conv(8, 1, after=["batchnorm", "relu"]),
        {"type": "globalavgpool"},
        conv(10, 1),
    )


def test_a_chain_is_paid_by_its_multiplications_alone() -> None:
    chained = 8 * 784 * 9 + 8 * 784 * 8
    torchs = 3.3e-5 + (8 * 784 + 80) * 2.6e-11 + (8 * 784 + 10) * 3e-10
    assert seconds_per_image(separable()) == pytest.approx(torchs + chained * 5.5e-11)


def test_a_bias_leaves_the_chain_and_takes_longer() -> None:
    assert seconds_per_image(separable(bias=True)) > 1.2 * seconds_per_image(separable())


def test_a_depthwise_kernel_of_five_is_torchs_own_and_takes_much_longer() -> None:
    three, five = seconds_per_image(separable(bias=True)), seconds_per_image(separable(5))
    assert five - three == pytest.approx(8 * 784 * (25 * 3e-10 + 16 * 2.6e-11))


def test_without_the_kernels_batch_norm_takes_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(acceleration.SWITCH, "off")
    assert seconds_per_image(SMALL) == pytest.approx(SMALL_SECONDS + 7_840 * 1.5e-9)


# CPU milliseconds of one step of 128 images by one thread, as the module states them.
STEPS = {"mnistnet-min": 10, "mnistnet-4k": 15, "mnistnet-8k": 23, "mnistnet-10k": 27, "mnistnet-16k": 36}


@pytest.mark.parametrize("name", STEPS)
def test_the_model_comes_near_the_steps_of_chains(name: str) -> None:
    assert 1_000 * 128 * 1.45 * seconds_per_image(fitted(name)) == pytest.approx(STEPS[name], rel=0.2)
