"""The training loop: repeatable, resumable, honest about its figures, and stopped before it does harm."""

import io
import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from mnistnet.data import datasets, splits
from mnistnet.data.datasets import Dataset
from mnistnet.data.splits import Part, Split
from mnistnet.nets.architecture import Architecture
from mnistnet.nets.network import build
from mnistnet.nets.presets import PRESETS
from mnistnet.runs.files.checkpoint import weights_sha256
from mnistnet.training import loop
from mnistnet.training.inference import level, logits, pixels
from mnistnet.training.loop import Diverged, NoDevice, State, Training, device_of
from mnistnet.training.progress import BatchDone, EpochDone
from mnistnet.training.recipe import Recipe
from mnistnet.training.schedule import learning_rate
from tests.support.samples import EXPLOSIVE, TINY, conv, design, recipe

CPU = torch.device("cpu")
WITHOUT_CHANCE: dict[str, Any] = {"rotation_degrees": 0, "shift": 0, "scale": 0, "precision": "fp32"}
# All 1,375 training images in one batch: an epoch is one step.
ONE_STEP: dict[str, Any] = {**WITHOUT_CHANCE, "batch_size": 2048, "averaging": 0, "momentum": 0, "weight_decay": 0}
TOO_FAST: dict[str, Any] = {"learning_rate": 10, "schedule": "constant"}
PLAIN = design(conv(4, bias=True, after=["batchnorm", "relu"]), {"type": "globalavgpool"}, conv(10, 1, bias=True))


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return datasets.load("digits")


def training(digits: Dataset, architecture: Architecture = TINY, **fields: Any) -> Training:
    chosen = recipe(**fields)
    split = splits.split(digits, chosen.protocol)
    return Training(build(architecture, chosen.seed), split, digits.source, chosen)


def epochs(chosen: Training) -> list[EpochDone]:
    """The epochs that are left, without the times they took."""
    return [replace(row, seconds=0, images_per_second=0) for row in chosen.run() if isinstance(row, EpochDone)]


def weights(chosen: Training) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in chosen.network.state_dict().items()}


def saved(state: State) -> State:
    """The state as it comes back from a file."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    loaded: State = torch.load(io.BytesIO(buffer.getvalue()), weights_only=True)
    return loaded


# Augmentation and its end


def test_the_last_calm_epochs_see_the_images_as_they_are(digits: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    calm = training(digits, epochs=4, calm_epochs=2, batch_size=500)
    changed: set[int] = set()

    def distorted(images: Tensor, **_: float) -> Tensor:
        changed.add(calm.epoch + 1)
        return images

    monkeypatch.setattr(loop, "distorted", distorted)
    epochs(calm)
    assert changed == {1, 2}


def test_three_epochs_of_the_sample_as_it_is_usually_trained_do_not_end_at_chance(digits: Dataset) -> None:
    """With batches of 128 it was 10 to 19 %: 33 steps."""
    usual = Recipe().on("digits").changed(epochs=3)
    network = build(PRESETS["mnistnet-min"].architecture, usual.seed)
    last = epochs(Training(network, splits.split(digits, "holdout"), digits.source, usual))[-1]
    assert last.validation_accuracy > 0.6


def test_images_are_distorted_as_the_recipe_says(digits: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[dict[str, float]] = []

    def distorted(images: Tensor, **strengths: float) -> Tensor:
        said.append(strengths)
        return images

    monkeypatch.setattr(loop, "distorted", distorted)
    epochs(training(digits, epochs=1, batch_size=2000, rotation_degrees=3.0, shift=0.1, scale=0.2, bend=0.7))
    assert said == [{"degrees": 3.0, "shift": 0.1, "scale": 0.2, "bend": 0.7}]


def test_more_calm_epochs_than_epochs_are_all_calm(digits: Dataset) -> None:
    calm = training(digits, epochs=2, calm_epochs=100)
    plain = training(digits, epochs=2, rotation_degrees=0, shift=0, scale=0)
    assert epochs(calm) == epochs(plain)


# Repeatable


@pytest.mark.parametrize("threads", [1, 2])
def test_same_seed_and_threads_give_same_metrics_and_weights(digits: Dataset, threads: int) -> None:
    torch.set_num_threads(threads)
    one, other = (training(digits, epochs=2, batch_size=500) for _ in range(2))
    assert epochs(one) == epochs(other)
    assert weights_sha256(one.ema_network.state_dict()) == weights_sha256(other.ema_network.state_dict())


def test_another_seed_gives_other_metrics_and_weights(digits: Dataset) -> None:
    one, other = training(digits, seed=1), training(digits, seed=2)
    assert epochs(one) != epochs(other)
    assert weights_sha256(one.ema_network.state_dict()) != weights_sha256(other.ema_network.state_dict())


@pytest.mark.parametrize(
    "fields",
    [
        {"optimizer": "sgd"},
        {"optimizer": "adam"},
        {"optimizer": "adamw"},
        {"optimizer": "muon"},
        {"optimizer": "sgd", "averaging": 0},
        {"optimizer": "sgd", "momentum": 0},
        {"optimizer": "adam", "precision": "fp32"},
        {"optimizer": "sgd", "precision": "bf16", "schedule": "cosine", "label_smoothing": 0.1},
    ],
    ids=lambda fields: "-".join(f"{name}={value}" for name, value in fields.items()),
)
def test_resumed_equals_uninterrupted_bit_for_bit(digits: Dataset, fields: dict[str, Any]) -> None:
    whole = training(digits, epochs=4, **fields)
    expected = epochs(whole)

    cut = training(digits, epochs=4, **fields)
    rows = cut.run()
    before = [replace(row, seconds=0, images_per_second=0) for row in until_epoch(rows, 2)]
    state = saved(cut.state)
    for _ in range(5):
        next(rows)  # into the third epoch, which is lost

    resumed = training(digits, epochs=4, **fields)
    torch.manual_seed(12_345)
    resumed.restore(state)
    assert before + epochs(resumed) == expected
    assert weights_sha256(resumed.ema_network.state_dict()) == weights_sha256(whole.ema_network.state_dict())
    assert weights_sha256(resumed.network.state_dict()) == weights_sha256(whole.network.state_dict())


def test_a_resumed_training_goes_on_in_the_precision_that_it_began_in(
    digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def on_a_machine(faster: str) -> Training:
        monkeypatch.setattr(loop, "precision_of", lambda asked, device: faster)
        return training(digits, epochs=2)

    whole = on_a_machine("bf16")
    begun = on_a_machine("bf16")
    until_epoch(begun.run(), 1)
    resumed = on_a_machine("fp32")
    resumed.restore(saved(begun.state))
    assert epochs(resumed) == epochs(whole)[1:]


def test_a_state_of_before_precision_was_recorded_is_restored(digits: Dataset) -> None:
    begun = training(digits, epochs=1)
    epochs(begun)
    state = saved(begun.state)
    del state["precision"]
    resumed = training(digits, epochs=1, precision="bf16")
    resumed.restore(state)
    assert (resumed.epoch, resumed.precision) == (1, "bf16")


def until_epoch(rows: Iterator[BatchDone | EpochDone], epoch: int) -> list[EpochDone]:
    found: list[EpochDone] = []
    while len(found) < epoch:
        row = next(rows)
        if isinstance(row, EpochDone):
            found.append(row)
    return found


def test_nothing_is_left_to_train_after_the_last_epoch(digits: Dataset) -> None:
    whole = training(digits, epochs=1)
    epochs(whole)
    resumed = training(digits, epochs=1)
    resumed.restore(saved(whole.state))
    assert list(resumed.run()) == []


# Rows


def test_an_epoch_is_its_steps_in_order_and_then_its_row(digits: Dataset) -> None:
    rows = list(training(digits, epochs=2, batch_size=500).run())
    assert [row if isinstance(row, BatchDone) else row.epoch for row in rows] == [
        *(BatchDone(1, step, 3) for step in (1, 2, 3)),
        1,
        *(BatchDone(2, step, 3) for step in (1, 2, 3)),
        2,
    ]


def test_an_epoch_says_how_long_it_took_and_how_fast_it_went(digits: Dataset) -> None:
    row = next(row for row in training(digits, epochs=1).run() if isinstance(row, EpochDone))
    assert row.seconds > 0
    assert row.images_per_second == pytest.approx(1_375 / row.seconds)


def test_training_figures_are_those_of_the_batches_as_they_were_met(digits: Dataset) -> None:
    chosen = training(digits, PLAIN, epochs=1, **ONE_STEP)
    part = splits.split(digits, "holdout").train
    before = build(PLAIN, seed=1).train()
    answers = before(pixels(part.images, digits.source, CPU) - level(digits.source))
    labels = torch.from_numpy(part.labels).long()
    (row,) = epochs(chosen)
    # Batch norm over a million values a channel rounds by a few 1e-5 in the loop's memory format.
    assert row.train_loss == pytest.approx(F.cross_entropy(answers, labels).item(), rel=1e-3)
    assert row.train_accuracy == pytest.approx((answers.argmax(1) == labels).float().mean().item(), abs=1e-3)


@pytest.mark.parametrize("averaging", [0, 0.9])
def test_validation_figures_are_those_of_the_kept_weights(digits: Dataset, averaging: float) -> None:
    chosen = training(digits, averaging=averaging)
    last = epochs(chosen)[-1]
    part = splits.split(digits, "holdout").validation
    answers = logits(chosen.ema_network, pixels(part.images, digits.source, CPU), digits.source)
    labels = torch.from_numpy(part.labels).long()
    assert last.validation_loss == pytest.approx(F.cross_entropy(answers, labels).item())
    assert last.validation_accuracy == (answers.argmax(1) == labels).sum().item() / len(labels)


def test_a_network_learns_the_digits(digits: Dataset) -> None:
    assert epochs(training(digits, epochs=8))[-1].validation_accuracy > 0.5


# Batches


def first(digits: Dataset, count: int) -> Split:
    whole = splits.split(digits, "holdout")
    return Split(Part(whole.train.images[:count], whole.train.labels[:count]), whole.validation, whole.test)


@pytest.mark.parametrize(("images", "steps"), [(16, 2), (17, 2), (18, 3), (9, 1), (8, 1)])
def test_a_last_batch_of_one_image_is_left_out(digits: Dataset, images: int, steps: int) -> None:
    chosen = Training(build(TINY), first(digits, images), digits.source, recipe(epochs=1, batch_size=8))
    assert [row for row in chosen.run() if isinstance(row, BatchDone)] == [
        BatchDone(1, n + 1, steps) for n in range(steps)
    ]


def test_a_batch_norm_on_a_single_value_a_channel_survives_a_last_batch_of_one(digits: Dataset) -> None:
    pooled = design(conv(8), {"type": "globalavgpool"}, conv(10, 1, after=["batchnorm"]))
    chosen = Training(build(pooled), first(digits, 17), digits.source, recipe(epochs=2, batch_size=8))
    assert len(epochs(chosen)) == 2


# Optimizers


def after_one_step(digits: Dataset, **fields: Any) -> dict[str, Tensor]:
    chosen = training(digits, PLAIN, epochs=1, learning_rate=0.1, **{**ONE_STEP, **fields})
    epochs(chosen)
    return dict(weights(chosen))


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw", "muon"])
def test_weight_decay_leaves_biases_and_batch_norm_alone(digits: Dataset, optimizer: str) -> None:
    without = after_one_step(digits, optimizer=optimizer)
    decayed = after_one_step(digits, optimizer=optimizer, weight_decay=0.5)
    changed = {name for name in without if not torch.equal(without[name], decayed[name])}
    assert changed == {"conv_1.weight", "conv_3.weight"}


def test_weight_decay_of_sgd_shrinks_weights_by_rate_times_decay(digits: Dataset) -> None:
    start = build(PLAIN, seed=1).state_dict()["conv_1.weight"]
    without = after_one_step(digits)["conv_1.weight"]
    decayed = after_one_step(digits, weight_decay=0.5)["conv_1.weight"]
    rate = learning_rate(recipe(learning_rate=0.1), 0, 1)
    torch.testing.assert_close(without - decayed, rate * 0.5 * start)


def test_a_step_follows_the_schedule_not_the_peak(digits: Dataset) -> None:
    start = build(PLAIN, seed=1).state_dict()["conv_3.weight"]
    constant = after_one_step(digits, schedule="constant")["conv_3.weight"] - start
    cosine = after_one_step(digits, schedule="cosine")["conv_3.weight"] - start
    torch.testing.assert_close(cosine, constant / 2)  # the only step of one stands half way


def test_an_epoch_reports_the_rate_of_its_last_step(digits: Dataset) -> None:
    rows = epochs(training(digits, epochs=2, batch_size=500, learning_rate=0.7))
    assert [row.learning_rate for row in rows] == pytest.approx([0.7 * 4 / 7 / 0.75, 0.7 * 1 / 7 / 0.75])


# Averaging


def test_averaging_0_keeps_the_live_weights(digits: Dataset) -> None:
    chosen = training(digits, averaging=0)
    epochs(chosen)
    assert weights_sha256(chosen.ema_network.state_dict()) == weights_sha256(chosen.network.state_dict())


def test_averaged_weights_are_a_tenth_of_the_start_after_one_step(digits: Dataset) -> None:
    start = build(PLAIN, seed=1).state_dict()
    chosen = training(digits, PLAIN, epochs=1, **{**ONE_STEP, "averaging": 0.99})
    epochs(chosen)
    for name, kept in chosen.ema_network.state_dict().items():
        if kept.is_floating_point():
            torch.testing.assert_close(kept, 0.1 * start[name] + 0.9 * chosen.network.state_dict()[name])


def test_batch_norms_statistics_are_averaged_with_the_weights(digits: Dataset) -> None:
    chosen = training(digits, averaging=0.99)
    epochs(chosen)
    live, kept = chosen.network.state_dict(), chosen.ema_network.state_dict()
    assert not torch.equal(live["batchnorm_1.running_var"], kept["batchnorm_1.running_var"])


# Divergence


def test_divergence_is_raised_before_the_step_so_the_weights_stay_finite(digits: Dataset) -> None:
    chosen = training(digits, EXPLOSIVE, **TOO_FAST)
    with pytest.raises(Diverged):
        epochs(chosen)
    assert all(value.isfinite().all() for value in chosen.network.state_dict().values())


def test_divergence_names_the_epoch_and_a_remedy(digits: Dataset) -> None:
    message = (
        "^the loss is not finite in epoch 1: learning rate 10 was too high; "
        r"try 2\.5, or add batch norm after each convolution$"
    )
    with pytest.raises(Diverged, match=message):
        epochs(training(digits, EXPLOSIVE, **TOO_FAST))


def test_divergence_in_the_last_step_of_an_epoch_shows_in_validation_and_is_raised(digits: Dataset) -> None:
    # Every epoch is one step, so validation meets the broken weights before any batch does.
    chosen = Training(
        build(EXPLOSIVE), first(digits, 200), digits.source, recipe(epochs=30, batch_size=2048, **TOO_FAST)
    )
    rows: list[float] = []
    with pytest.raises(Diverged, match="not finite in epoch "):
        rows.extend(row.validation_loss for row in chosen.run() if isinstance(row, EpochDone))
    assert rows
    assert all(map(math.isfinite, rows))


# Devices


@pytest.mark.skipif(torch.cuda.is_available(), reason="here is a CUDA device")
def test_a_device_that_is_not_there_is_refused_with_what_to_choose() -> None:
    with pytest.raises(NoDevice, match=r"device=cuda: this torch finds no CUDA device; choose auto or cpu$"):
        device_of(recipe(device="cuda"))


def test_the_device_asked_for_is_the_device_taken() -> None:
    assert device_of(recipe(device="cpu")) == CPU


def test_bf16_changes_the_bits_and_not_the_outcome(digits: Dataset) -> None:
    # At the usual rate so small a set is learned by leaps, which rounding alone moves from epoch to epoch.
    gently: dict[str, Any] = {"epochs": 8, "learning_rate": 0.03}
    half, full = (epochs(training(digits, precision=name, **gently))[-1] for name in ("bf16", "fp32"))
    assert half.train_loss != full.train_loss
    assert half.train_loss == pytest.approx(full.train_loss, rel=0.1)
