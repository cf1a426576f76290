"""A run from its first stage to its score, cut off wherever it hurts most. All in this process."""

import errno
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch

from mnistnet.data import datasets
from mnistnet.insight.predictions.evaluation import Evaluation, Score
from mnistnet.runs.files import checkpoint, predictions
from mnistnet.runs.files.atomic import WriteError
from mnistnet.runs.files.checkpoint import GENERATIONS
from mnistnet.runs.run import EpochMetrics, Run, RunState
from mnistnet.runs.store import transitions
from mnistnet.runs.store.store import Store
from mnistnet.runs.worker import training_job
from mnistnet.runs.worker.training_job import End
from tests.support.samples import EXPLOSIVE, figures, running, started

EPOCHS = 4


class Killed(BaseException):
    """Stands for kill -9: no handler of the code under test may see it."""


@pytest.fixture(scope="module", autouse=True)
def _digits_loaded_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(datasets, "load", cache(datasets.load))
        yield


@pytest.fixture(autouse=True)
def _threads_as_before() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def trained(store: Store, **fields: Any) -> Run:
    run = running(store, epochs=EPOCHS, **fields)
    assert training_job.train(store, run) is None
    return store.run(run.id)


@dataclass(frozen=True)
class Outcome:
    """What must be the same however often a run was cut off."""

    weights_sha256: str | None
    figures: list[dict[str, Any]]
    test_errors: int | None


def outcome(store: Store, run: Run) -> Outcome:
    run = store.run(run.id)
    return Outcome(run.weights_sha256, figures(store.metrics(run.id)), run.test_errors)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    store = Store(tmp_path_factory.mktemp("uninterrupted"))
    return outcome(store, trained(store))


def resumed(store: Store, run: Run) -> Run:
    """The run marked as interrupted, resumed, and trained to its end."""
    transitions.finish(store, run.id, RunState.INTERRUPTED)
    store.resume(run.id)
    assert training_job.train(store, started(store)) is None
    return store.run(run.id)


# To the end


def test_a_run_ends_done_with_every_epoch_stored(store: Store) -> None:
    run = trained(store)
    assert (run.state, run.epochs_done) == (RunState.DONE, EPOCHS)
    assert [row.epoch for row in store.metrics(run.id)] == [1, 2, 3, 4]


def test_the_score_is_that_of_the_stored_answers(store: Store) -> None:
    run = trained(store)
    assert run.weights_sha256 is not None
    answers = predictions.read(store.folder(run.id), "test", run.weights_sha256)
    assert answers is not None
    assert Evaluation(answers).score == Score(run.test_errors or 0, run.test_total or 0)


def test_the_last_epochs_accuracy_is_that_of_the_stored_validation_answers(store: Store) -> None:
    run = trained(store)
    answers = predictions.read(store.folder(run.id), "validation", run.weights_sha256 or "")
    assert answers is not None
    assert Evaluation(answers).score.accuracy == pytest.approx(run.validation_accuracy)


def test_the_hash_is_that_of_the_last_checkpoints_kept_weights(store: Store) -> None:
    run = trained(store)
    state = checkpoint.load(store.folder(run.id), store.metrics(run.id)[-1])
    assert checkpoint.weights_sha256(state["kept"]) == run.weights_sha256


def test_each_epochs_guesses_are_kept_and_have_its_accuracy(store: Store) -> None:
    run = trained(store)
    accuracies = []
    for row in store.metrics(run.id):
        kept = predictions.read_guesses(store.folder(run.id), row.epoch)
        assert kept is not None
        accuracies.append(float((kept.guesses == kept.labels).mean()))
    assert accuracies == pytest.approx([row.validation_accuracy for row in store.metrics(run.id)])


def test_the_newest_generations_are_kept(store: Store) -> None:
    run = trained(store)
    names = sorted(path.name for path in store.folder(run.id).glob("epoch-*"))
    assert names == [row.checkpoint for row in store.metrics(run.id)][-GENERATIONS:]


def test_the_same_run_again_gives_the_same_outcome(store: Store, uninterrupted: Outcome) -> None:
    assert outcome(store, trained(store)) == uninterrupted


def test_another_seed_gives_another_outcome(store: Store, uninterrupted: Outcome) -> None:
    assert outcome(store, trained(store, seed=2)).weights_sha256 != uninterrupted.weights_sha256


# Cut off

Step = Callable[..., Any]


def kill(monkeypatch: pytest.MonkeyPatch, owner: object, name: str, call: int, *, after: bool) -> None:
    """Die just before or just after the given call (from 1) of the owner's function."""
    function: Step = getattr(owner, name)
    calls = 0

    def deadly(*arguments: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == call and not after:
            raise Killed
        result = function(*arguments, **named)
        if calls == call:
            raise Killed
        return result

    monkeypatch.setattr(owner, name, deadly)


# Each file calls fsync twice, for itself and for its folder, and replace once; an epoch writes its checkpoint and
# then, inside the transaction, the run's record.
POINTS: dict[str, tuple[object, str, int, bool]] = {
    "after the temporary write": (os, "fsync", 9, False),
    "after fsync": (os, "replace", 5, False),
    "after rename": (os, "replace", 5, True),
    "in the record's temporary write": (os, "fsync", 11, False),
    "after the record's rename": (os, "replace", 6, True),
    "before commit": (transitions, "record_epoch", 3, False),
    "after commit": (transitions, "record_epoch", 3, True),
    "before the sweep": (checkpoint, "sweep", 3, False),
    "before the score": (transitions, "complete", 1, False),
}


@pytest.fixture
def cut_off(store: Store, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Run]:
    def train_until(point: str) -> Run:
        run = running(store, epochs=EPOCHS)
        owner, name, call, after = POINTS[point]
        with monkeypatch.context() as patch:
            kill(patch, owner, name, call, after=after)
            with pytest.raises(Killed):
                training_job.train(store, run)
        return store.run(run.id)

    return train_until


@pytest.mark.bar("F2")
@pytest.mark.parametrize("point", POINTS)
def test_a_run_killed_at_any_point_resumes_to_the_same_outcome(
    store: Store, uninterrupted: Outcome, cut_off: Callable[[str], Run], point: str
) -> None:
    assert outcome(store, resumed(store, cut_off(point))) == uninterrupted


@pytest.mark.parametrize("point", ["after the temporary write", "after fsync", "after rename"])
def test_nothing_half_written_is_left_after_resuming(store: Store, cut_off: Callable[[str], Run], point: str) -> None:
    run = resumed(store, cut_off(point))
    assert list(store.folder(run.id).glob("*.part")) == []


@pytest.mark.parametrize(
    ("point", "trained_again"), [("before commit", [3, 4]), ("after commit", [4]), ("before the score", [])]
)
def test_a_resumed_run_trains_only_what_was_not_stored(
    store: Store,
    cut_off: Callable[[str], Run],
    monkeypatch: pytest.MonkeyPatch,
    point: str,
    trained_again: list[int],
) -> None:
    run = cut_off(point)
    recorded: list[int] = []
    record = transitions.record_epoch

    def listening(store: Store, run_id: str, metrics: EpochMetrics) -> None:
        recorded.append(metrics.epoch)
        record(store, run_id, metrics)

    monkeypatch.setattr(transitions, "record_epoch", listening)
    resumed(store, run)
    assert recorded == trained_again


@pytest.mark.parametrize(("point", "stored"), [("before commit", 2), ("after commit", 3)])
def test_at_most_the_epoch_under_way_is_lost(cut_off: Callable[[str], Run], point: str, stored: int) -> None:
    assert cut_off(point).epochs_done == stored


# Damaged


def damage(store: Store, run: Run, rows: list[EpochMetrics]) -> None:
    for row in rows:
        (store.folder(run.id) / row.checkpoint).write_bytes(b"")


@pytest.mark.bar("F7")
@pytest.mark.parametrize("damaged", [1, 2, 3])
def test_a_run_goes_on_from_the_newest_whole_generation_or_from_the_start(
    store: Store, uninterrupted: Outcome, cut_off: Callable[[str], Run], damaged: int
) -> None:
    run = cut_off("after commit")
    damage(store, run, store.metrics(run.id)[-damaged:])
    again = resumed(store, run)
    assert outcome(store, again) == uninterrupted
    went_on = "began anew" if damaged == GENERATIONS else f"went on from epoch {3 - damaged}"
    assert again.message == f"the checkpoint of epoch 3 was damaged or gone: training {went_on}"


def test_a_run_that_starts_over_keeps_its_new_checkpoints(
    store: Store, cut_off: Callable[[str], Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = cut_off("before the score")
    damage(store, run, store.metrics(run.id)[-GENERATIONS:])
    transitions.finish(store, run.id, RunState.INTERRUPTED)
    store.resume(run.id)
    again = started(store)
    kill(monkeypatch, checkpoint, "sweep", 1, after=True)
    with pytest.raises(Killed):
        training_job.train(store, again)
    assert checkpoint.newest(store.folder(run.id), store.metrics(run.id)) is not None


# Ended early


def test_a_run_that_is_asked_to_stop_ends_so(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_job, "LOOK_SECONDS", 0)
    run = running(store, epochs=EPOCHS)
    store.request_stop(run.id)
    assert training_job.train(store, run) == End(RunState.STOPPED)


def test_a_stopped_run_resumes_to_the_same_outcome(
    store: Store, uninterrupted: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_job, "LOOK_SECONDS", 0)
    run = running(store, epochs=EPOCHS)
    record = transitions.record_epoch

    def stop_after_two(store: Store, run_id: str, metrics: EpochMetrics) -> None:
        record(store, run_id, metrics)
        if metrics.epoch == 2:
            store.request_stop(run_id)

    with monkeypatch.context() as patch:
        patch.setattr(transitions, "record_epoch", stop_after_two)
        assert training_job.train(store, run) == End(RunState.STOPPED)
    assert store.run(run.id).epochs_done == 2
    assert outcome(store, resumed(store, run)) == uninterrupted


@pytest.mark.bar("E4")
def test_a_run_that_diverges_ends_so_with_the_remedy(store: Store) -> None:
    run = running(store, EXPLOSIVE, learning_rate=10, schedule="constant")
    end = training_job.train(store, run)
    assert end is not None
    assert end.state is RunState.DIVERGED
    assert end.message.startswith("the loss is not finite in epoch 1: learning rate 10 was too high; try 2.5")


def test_a_full_disk_ends_a_run_with_its_earlier_epochs_intact(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    run = running(store, epochs=EPOCHS)
    replace, calls = os.replace, 0

    def full_in_the_third_epoch(part: Any, file: Any) -> None:
        nonlocal calls
        calls += Path(file).parent == store.folder(run.id) and Path(file).name != "kernels.npy"
        if calls > 6:  # guesses, checkpoint and record of two epochs
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        replace(part, file)

    monkeypatch.setattr(os, "replace", full_in_the_third_epoch)
    with pytest.raises(WriteError, match="No space left on device: not saved; the earlier ones are intact"):
        training_job.train(store, run)
    assert store.run(run.id).epochs_done == 2
    found = checkpoint.newest(store.folder(run.id), store.metrics(run.id))
    assert found is not None
    assert found[0].epoch == 2


def test_a_run_whose_hours_are_over_stops_and_says_so(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_job, "LOOK_SECONDS", 0)
    monkeypatch.setenv("MNISTNET_LIMITS", "hours=0.0000001")
    end = training_job.train(store, running(store, epochs=EPOCHS))
    assert end == End(RunState.STOPPED, "the limit of 1e-07 hours is reached; Resume gives it as many again")


# On show


def test_the_stages_are_told_in_order(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    stages: list[str] = []
    advance = transitions.advance

    def listening(store: Store, run_id: str, stage: str, *numbers: Any) -> None:
        stages.append(stage)
        advance(store, run_id, stage, *numbers)

    monkeypatch.setattr(transitions, "advance", listening)
    trained(store)
    assert list(dict.fromkeys(stages)) == [
        "loading Offline sample (scikit-learn digits, not MNIST)",
        training_job.FIRST_BATCH,
        "training",
        "scoring the test set",
    ]


def test_without_the_kernels_the_first_batch_and_the_log_say_so(
    store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MNISTNET_KERNELS", "off")
    stages: list[str] = []
    monkeypatch.setattr(transitions, "advance", lambda store, run_id, stage, *numbers: stages.append(stage))
    trained(store)
    assert "first batch, without compiled kernels (MNISTNET_KERNELS=off)" in stages
    assert "kernels: off, torch's own operations train (MNISTNET_KERNELS=off)\n" in capsys.readouterr().err


def test_the_log_says_the_precision(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    training_job.train(store, running(store, epochs=1, precision="bf16"))
    assert capsys.readouterr().err == "precision: bf16\n"


@pytest.mark.parametrize(("first", "then"), [("", "off"), ("off", "")])
def test_a_run_is_resumed_with_or_without_the_kernels(
    store: Store, first: str, then: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MNISTNET_KERNELS", first)
    run = running(store, epochs=EPOCHS)
    with monkeypatch.context() as patch:
        kill(patch, transitions, "record_epoch", 2, after=True)
        with pytest.raises(Killed):
            training_job.train(store, run)
    monkeypatch.setenv("MNISTNET_KERNELS", then)
    assert resumed(store, run).state is RunState.DONE
    assert [row.epoch for row in store.metrics(run.id)] == [1, 2, 3, 4]


def test_steps_within_an_epoch_are_told(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_job, "REPORT_SECONDS", 0)
    told: list[tuple[int, int]] = []

    def listening(_: Store, __: str, ___: str, step: int = 0, steps: int = 0, ____: float = 0) -> None:
        told.append((step, steps))

    monkeypatch.setattr(transitions, "advance", listening)
    trained(store)
    assert (11, 11) in told  # 1,375 images in batches of 128


# A checkpoint of which the hash is right


def replaced(store: Store, run: Run, change: Callable[[dict[str, Any]], None]) -> None:
    """Have the newest checkpoint changed, and its hash with it."""
    last = store.metrics(run.id)[-1]
    state = checkpoint.load(store.folder(run.id), last)
    change(state)
    name, sha256 = checkpoint.save(store.folder(run.id), last.epoch, state)
    transitions.record_epoch(store, run.id, replace(last, checkpoint=name, checkpoint_sha256=sha256))


def another_optimizer(state: dict[str, Any]) -> None:
    state["optimizer"]["param_groups"].pop()


def another_network(state: dict[str, Any]) -> None:
    state["kept"] = {"weight": torch.ones(1)}


@pytest.mark.parametrize("change", [another_optimizer, another_network])
def test_a_run_goes_on_from_the_generation_before_one_that_does_not_fit(
    store: Store, uninterrupted: Outcome, monkeypatch: pytest.MonkeyPatch, change: Callable[[dict[str, Any]], None]
) -> None:
    run = running(store, epochs=EPOCHS)
    with monkeypatch.context() as patch:
        patch.setattr(
            training_job._Job, "end", lambda self: End(RunState.STOPPED) if self.training.epoch == 3 else None
        )
        assert training_job.train(store, run) == End(RunState.STOPPED)
    replaced(store, run, change)
    assert training_job.train(store, run) is None
    assert outcome(store, run) == uninterrupted
    assert "the checkpoint of epoch 3 was damaged or gone: training went on from epoch 2" in store.run(run.id).message


def test_the_store_keeps_the_hashes_of_all_answers(store: Store) -> None:
    run = trained(store)
    folder = store.folder(run.id)
    for split in ("validation", "test"):
        data = predictions.path(folder, split).read_bytes()
        assert run.answers_sha256(split) == predictions.sha256(data)
    for row in store.metrics(run.id):
        assert row.guesses_sha256 == predictions.sha256(predictions.guesses_path(folder, row.epoch).read_bytes())
