"""Runs that were trained elsewhere: in the store as one transaction with their files, or not at all."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from mnistnet.errors import SaveFailed
from mnistnet.runs.files.names import new_id
from mnistnet.runs.run import RunState
from mnistnet.runs.store import selections
from mnistnet.runs.store.database import StoreError
from mnistnet.runs.store.imports import Finished, NotStorable, import_finished
from mnistnet.runs.store.queue import NewRun, Trial
from mnistnet.runs.store.store import Store
from tests.support.samples import TINY, metrics, recipe

FILES = {"epoch-0003.pt": b"weights", "guesses-0003.npz": b"guesses"}


def new(token: str = "search-abcdef12-4-0") -> NewRun:
    return NewRun(new_id(), TINY, recipe(), token, "ada", trial=Trial("abcdef12", 4))


def finished(**fields: Any) -> Finished:
    given = {
        "epochs": [metrics(1), metrics(2), metrics(3, validation_accuracy=0.75)],
        "files": FILES,
        "weights_sha256": "ab" * 32,
        "answers": {"validation": "cd" * 32},
        "threads": 1,
        "seconds": 5.0,
    }
    return Finished(**{**given, **fields})


def test_a_run_is_done_at_once_with_its_epochs_and_files(store: Store) -> None:
    run = import_finished(store, new(), finished(test_errors=(3, 297)))
    assert (run.state, run.search, run.trial, run.scored, run.owner) == (RunState.DONE, "abcdef12", 4, False, "ada")
    assert (run.epochs_done, run.validation_accuracy, run.test_errors, run.test_total) == (3, 0.75, 3, 297)
    assert (run.weights_sha256, run.validation_answers_sha256) == ("ab" * 32, "cd" * 32)
    assert run.started == pytest.approx((run.ended or 0) - 5)
    assert store.metrics(run.id) == finished().epochs
    assert {name: (store.folder(run.id) / name).read_bytes() for name in FILES} == FILES
    assert {"design.json", "recipe.json", "run.json"} <= {file.name for file in store.folder(run.id).iterdir()}
    assert store.reading().damaged == []


def test_the_same_token_makes_one_run(store: Store) -> None:
    first = import_finished(store, new(), finished())
    assert import_finished(store, new(), finished(weights_sha256="ef" * 32)) == first
    assert [run.id for run in store.runs()] == [first.id]
    assert _folders(store) == {first.id}
    assert selections.of_token(store, "search-abcdef12-4-0") == first
    assert selections.of_token(store, "search-abcdef12-5-0") is None


def test_the_run_comes_back_where_the_database_is_lost(store: Store) -> None:
    run = import_finished(store, new(), finished())
    (store.root / "runs.sqlite").unlink()
    assert store.run(run.id) == run
    assert store.metrics(run.id) == finished().epochs


@pytest.mark.parametrize("call", range(7))
def test_a_full_disk_leaves_nothing_behind(store: Store, monkeypatch: pytest.MonkeyPatch, call: int) -> None:
    import_finished(store, new("before"), finished())
    before = _folders(store)
    with monkeypatch.context() as patch:
        fsync, calls = os.fsync, 0

        def full(file: int) -> None:
            nonlocal calls
            calls += 1
            if calls > call:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            fsync(file)

        patch.setattr(os, "fsync", full)
        with pytest.raises(SaveFailed, match="No space left on device"):
            import_finished(store, new(), finished())
    assert len(store.runs()) == 1
    assert _folders(store) == before
    assert import_finished(store, new(), finished()).state is RunState.DONE


@pytest.mark.parametrize(
    "fields",
    [
        {"weights_sha256": "short"},
        {"threads": 0},
        {"test_errors": (3, 0)},
        {"epochs": [metrics(1, validation_accuracy=1.5)]},
        {"epochs": [metrics(1, checkpoint="../x")]},
    ],
)
def test_what_no_run_may_hold_is_refused(store: Store, fields: dict[str, Any]) -> None:
    with pytest.raises(NotStorable, match="no run may hold this"):
        import_finished(store, new(), finished(**fields))
    assert store.runs() == []
    assert _folders(store) == set()


def test_where_the_store_is_gone_nothing_is_made(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"")
    with pytest.raises(StoreError):
        import_finished(Store(file / "runs"), new(), finished())


def _folders(store: Store) -> set[str]:
    return {path.name for path in store.root.iterdir() if path.is_dir()} if store.root.is_dir() else set()
