"""A finished run trained further: what the new run starts from, what it keeps, and what the rules count."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from mnistnet.insight.predictions.verdict import verdict_of
from mnistnet.nets.rules import COURSE
from mnistnet.runs.backup import backup, restoration
from mnistnet.runs.files import checkpoint
from mnistnet.runs.files.names import START
from mnistnet.runs.files.verified import CheckpointError
from mnistnet.runs.run import Run, RunState
from mnistnet.runs.store import transitions
from mnistnet.runs.store.run_rows import DamagedRunError
from mnistnet.runs.store.store import Store, WrongState
from mnistnet.runs.worker import further, supervisor, training_job
from mnistnet.training.recipe import Recipe
from tests.support.samples import TINY, recipe, running, started


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """No supervisor: each run is trained in this process."""
    monkeypatch.setattr(supervisor, "ensure", lambda store: None)


@pytest.fixture
def parent(store: Store) -> Run:
    """A finished run of two epochs."""
    run = running(store, epochs=2)
    training_job.train(store, run)
    return store.run(run.id)


def weights(store: Store, run: Run) -> dict[str, torch.Tensor]:
    found = checkpoint.newest(store.folder(run.id), store.metrics(run.id))
    assert found is not None
    kept: dict[str, torch.Tensor] = found[1]["kept"]
    return kept


def trained(store: Store, run: Run) -> Run:
    assert started(store).id == run.id
    training_job.train(store, store.run(run.id))
    return store.run(run.id)


def added(run: Run, epochs: int = 2) -> Recipe:
    return further.recipe_of(run, epochs)


def test_the_new_run_starts_from_the_final_weights_and_says_so(store: Store, parent: Run) -> None:
    new = further.submit(store, parent.id, further.recipe_of(parent, 1, 1e-9))
    assert (new.started_from, new.epochs_before, new.epochs_in_all) == (parent.id, 2, 3)
    assert new.title == f"{new.id} · tiny · further from {parent.id}"
    assert new.provenance.startswith(f"Starts from the weights of run {parent.id} after 2 epochs")
    assert trained(store, new).state is RunState.DONE
    before, after = weights(store, parent), weights(store, new)
    for name, value in before.items():
        if name.endswith(("weight", "bias")):
            torch.testing.assert_close(after[name], value, rtol=0, atol=1e-6)


def test_the_recipe_is_the_runs_own_at_a_quarter_of_its_rate(parent: Run) -> None:
    own = parent.recipe
    assert added(parent, 7) == own.changed(epochs=7, learning_rate=own.learning_rate / 4)
    assert further.recipe_of(parent, 7, 0.5).learning_rate == 0.5


def test_the_draws_go_on_where_those_of_the_first_run_ended(store: Store) -> None:
    """Without momentum, averaging and a schedule, one epoch and one added are two epochs, bit for bit."""
    plain = {"schedule": "constant", "momentum": 0.0, "averaging": 0.0}
    whole = trained(store, store.enqueue(TINY, recipe(epochs=2, **plain)))
    first = trained(store, store.enqueue(TINY, recipe(epochs=1, **plain)))
    new = further.submit(store, first.id, further.recipe_of(first, 1, first.recipe.learning_rate))
    assert trained(store, new).weights_sha256 == whole.weights_sha256


def test_with_the_first_run_deleted_and_its_own_worker_cut_off_it_comes_to_the_same_bits(
    store: Store, parent: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = trained(store, further.submit(store, parent.id, added(parent)))
    new = further.submit(store, parent.id, added(parent))
    store.delete(parent.id)
    run, record = started(store), transitions.record_epoch

    def cut_off(*args: object) -> None:
        record(*args)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    monkeypatch.setattr(transitions, "record_epoch", cut_off)
    with pytest.raises(KeyboardInterrupt):
        training_job.train(store, run)
    monkeypatch.setattr(transitions, "record_epoch", record)
    transitions.finish(store, new.id, RunState.INTERRUPTED)
    store.resume(new.id)
    (store.folder(new.id) / START).unlink()  # its own checkpoint is all it needs by now
    assert trained(store, new).weights_sha256 == whole.weights_sha256


def test_a_damaged_start_fails_the_run_with_what_to_do(store: Store, parent: Run) -> None:
    new = further.submit(store, parent.id, added(parent))
    (store.folder(new.id) / START).write_bytes(b"not a checkpoint")
    with pytest.raises(training_job.NoStart, match=f"damaged.*train run {parent.id} further once more"):
        training_job.train(store, started(store))


def test_only_a_run_that_is_done_and_whole_is_trained_further(store: Store, parent: Run) -> None:
    waiting = store.enqueue(TINY, parent.recipe)
    with pytest.raises(WrongState, match="queued; only a run that is done can be trained further"):
        further.submit(store, waiting.id, added(parent))
    (store.folder(parent.id) / store.metrics(parent.id)[-1].checkpoint).write_bytes(b"")
    with pytest.raises(CheckpointError, match="damaged"):
        further.submit(store, parent.id, added(parent))
    assert len(store.runs()) == 2


def test_the_rules_count_the_epochs_of_both_runs(store: Store, parent: Run) -> None:
    new = trained(store, further.submit(store, parent.id, added(parent)))
    rule = verdict_of(new, store.metrics(new.id)).rules[1]
    assert (rule.passed, rule.detail) == (True, "4, 2 of them before this run; must be under 20")
    third = further.submit(store, new.id, added(new, 16))
    assert third.epochs_before == 4
    rule = verdict_of(replace(third, state=RunState.DONE), []).rules[1]
    assert rule.passed is False, f"20 epochs: {COURSE.epochs} are not fewer"
    assert rule.figure == "20 epochs, 4 of them before this run"


def test_a_token_makes_one_run(store: Store, parent: Run) -> None:
    ids = {further.submit(store, parent.id, added(parent), "twice").id for _ in range(2)}
    assert len(ids) == 1
    assert not list(store.root.glob(".new-*"))


def test_where_it_starts_from_outlives_the_database_and_travels_with_a_backup(
    store: Store, parent: Run, tmp_path: Path
) -> None:
    new = further.submit(store, parent.id, added(parent))
    store.database.path.write_bytes(b"not a database " * 100)
    assert store.run(new.id) == new
    backup.write(store, tmp_path / "runs.zip")
    other = Store(tmp_path / "other")
    restoration.restore(tmp_path / "runs.zip", other)
    other.resume(new.id)
    restored = trained(other, other.run(new.id))
    assert (restored.state, restored.started_from) == (RunState.DONE, parent.id)


def test_a_run_whose_record_is_lost_is_not_taken_for_one_that_starts_anew(store: Store, parent: Run) -> None:
    new = further.submit(store, parent.id, added(parent))
    (store.folder(new.id) / "run.json").unlink()
    store.database.path.unlink()
    assert [run.id for run in store.runs()] == [parent.id]
    assert [folder.name for folder in store.folders_aside()] == [f"damaged-{new.id}"]


def test_a_row_that_hides_the_epochs_before_is_damaged(store: Store, parent: Run) -> None:
    new = further.submit(store, parent.id, added(parent))
    store.database.change("UPDATE runs SET epochs_before = 0 WHERE id = ?", new.id)
    with pytest.raises(DamagedRunError, match="epochs_before=0: allowed is"):
        store.run(new.id)
