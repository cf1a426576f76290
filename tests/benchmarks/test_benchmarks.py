"""The benchmarks measure what they say: turns in processes of their own, and the textbook's own layers."""

import time
from collections.abc import Iterator

import pytest
import torch
from torch import nn

from benchmarks import expert, textbook
from benchmarks import gallery as gallery_benchmark
from benchmarks.sides import Side
from benchmarks.training import BATCH_SIZES, Clock, same_arithmetic
from mnistnet.nets.network import Dropout, build
from mnistnet.nets.presets import PRESETS
from mnistnet.training.kernels import accelerate
from mnistnet.training.presets import RECIPES


def slow(seconds: float) -> Iterator[None]:
    while True:
        time.sleep(seconds)
        yield


def test_sides_take_turns_of_as_many_steps_as_they_are_told() -> None:
    with Side(slow, 0.002, threads=1) as quick, Side(slow, 0.02, threads=1) as late:
        one, other = quick.turn(5), late.turn(5)
    assert one.steps == other.steps == 5
    assert 0.01 <= one.seconds < other.seconds
    assert one.peak_bytes > 0


def test_a_side_that_dies_is_an_error_and_no_hang() -> None:
    with Side(slow, -1.0, threads=1) as broken, pytest.raises(EOFError):
        broken.turn(1)


@pytest.mark.parametrize("name", BATCH_SIZES)
def test_the_textbook_has_torchs_own_dropout_at_the_same_rates(name: str) -> None:
    ours = build(PRESETS[name].architecture)
    theirs = textbook.plain(build(PRESETS[name].architecture))
    assert not any(isinstance(module, Dropout) for module in theirs.modules())
    rates = [
        [module.p for module in network.modules() if isinstance(module, nn.Dropout | nn.Dropout2d)]
        for network in (ours, theirs)
    ]
    assert rates[0] == rates[1] != []


@pytest.mark.mnist
def test_the_expert_trains_torchs_own_layers_on_the_whole_set_of_tensors() -> None:
    device = torch.device("cpu")
    images, labels = expert.tensors(device)
    assert (images.shape, labels.shape) == ((60_000, 1, 28, 28), (60_000,))
    assert images.is_contiguous(memory_format=torch.channels_last)
    assert abs(float(images.mean())) < 0.01
    assert next(expert.training(PRESETS["course-10040"].architecture, 16)) is None


def test_both_sides_do_the_same_to_an_image() -> None:
    recipe = same_arithmetic(64)
    assert (recipe.rotation_degrees, recipe.shift, recipe.scale, recipe.averaging, recipe.weight_decay) == (0,) * 5


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_has_a_frozen_recipe_and_enough_seeds(name: str) -> None:
    recipe = gallery_benchmark.frozen(name)
    assert recipe.protocol == ("course" if name.startswith("course-") else "holdout")
    assert recipe.epochs < 20
    wanted = 3 if name.startswith("course-") else 10 if name in ("mnistnet-16k", "mnistnet-8k", "mnistnet-min") else 5
    assert len(gallery_benchmark.seeds(name, recipe)) == wanted
    assert all(len(gallery_benchmark.seeds(name, fit)) == 3 for fit in gallery_benchmark.fits(name))


def test_the_sprint_is_for_the_assignment() -> None:
    assert RECIPES["sprint"].fields["epochs"] < 20


@pytest.mark.alone
def test_the_clock_gives_each_part_its_time_and_no_more() -> None:
    network = accelerate(
        nn.Sequential(
            nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 10, 3), nn.Flatten()
        )
    )
    with Clock() as clock:
        started = time.perf_counter()
        for _ in range(3):
            answers = network(torch.randn(16, 1, 28, 28))
            time.sleep(0.05)  # the loss
            answers.sum().backward()
            time.sleep(0.05)  # the optimizer
        seconds = time.perf_counter() - started
    assert set(clock.spent) == {"convolution", "batch norm, ReLU, dropout", "max-pool", "other layers"}
    assert min(clock.spent.values()) > 0
    assert sum(clock.spent.values()) < seconds - 0.3
