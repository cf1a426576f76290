"""Searches in the backup of a store: they come back with their log, and rest until they are resumed."""

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from mnistnet.runs.backup import archive, backup, restoration
from mnistnet.runs.backup.archive import ArchiveError
from mnistnet.runs.backup.backup import BackupError
from mnistnet.runs.store.store import Store
from mnistnet.search import folder as folders
from mnistnet.search.folder import FOLDER, LOG, SEARCH, WANTED, SearchFolder
from mnistnet.search.reports.backups import SEARCHES
from tests.support.samples import TINY, recipe
from tests.support.searches import a_search, paused
from tests.support.searching import Instant, run_through


@pytest.fixture
def filled(still: Store) -> Store:
    """A store with a run, as a backup needs one."""
    still.enqueue(TINY, recipe(epochs=1))
    return still


@pytest.fixture
def target(tmp_path: Path) -> Store:
    return Store(tmp_path / "restored")


def moved(store: Store, target: Store, file: Path) -> None:
    backup.write(store, file, SEARCHES)
    restoration.restore(file, target, SEARCHES)


def test_a_search_comes_back_with_its_log(filled: Store, target: Store, tmp_path: Path) -> None:
    found = paused(filled)
    assert backup.write(filled, tmp_path / "all.zip", SEARCHES).searches == 1
    assert restoration.restore(tmp_path / "all.zip", target, SEARCHES).searches == 1
    restored = folders.find(target, found.id)
    assert (restored.search(), restored.wanted()) == (found.search(), found.wanted())
    assert restored.trials() == found.trials()
    assert sorted(path.name for path in restored.path.iterdir()) == sorted([SEARCH, WANTED, LOG])


def test_a_search_that_was_running_rests_here_and_knows_no_cluster(
    filled: Store, target: Store, tmp_path: Path
) -> None:
    found = folders.create(filled, a_search(), "ann", "10.0.0.5:8786", insecure=True)
    moved(filled, target, tmp_path / "all.zip")
    wanted = folders.find(target, found.id).wanted()
    assert (wanted.state, wanted.cluster, wanted.insecure, wanted.owner) == ("stopped", "", False, "ann")
    assert found.wanted().state == "running"


def test_a_restored_search_goes_on_to_the_end_that_it_would_have_had(
    filled: Store, target: Store, tmp_path: Path
) -> None:
    class Cut(Instant):
        def submit(self, task: object) -> None:
            if len(self.submitted) == 4:
                raise KeyboardInterrupt
            super().submit(task)  # type: ignore[arg-type]

    found = folders.create(filled, a_search())
    with pytest.raises(KeyboardInterrupt):
        run_through(found, Cut())
    moved(filled, target, tmp_path / "all.zip")
    run_through(found)
    restored = folders.find(target, found.id)
    restored.want(state="running")
    run_through(restored)
    ends = [
        {number: (trial.phase, trial.values, trial.state, trial.accuracies) for number, trial in one.by_number.items()}
        for one in (found.trials(), restored.trials())
    ]
    assert ends[0] == ends[1]


def test_of_a_restoring_that_fails_no_search_is_left(
    filled: Store, target: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paused(filled)
    backup.write(filled, tmp_path / "all.zip", SEARCHES)

    def fail(folder: Path) -> None:
        assert list((target.root / FOLDER).iterdir()), "it was in its place"
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(restoration, "sync_folder", fail)
    with pytest.raises((ArchiveError, BackupError, sqlite3.Error, Exception), match="disk I/O error"):
        restoration.restore(tmp_path / "all.zip", target, SEARCHES)
    assert not (target.root / FOLDER).exists()
    assert target.runs() == []


def test_a_search_in_the_way_is_refused_and_left(filled: Store, target: Store, tmp_path: Path) -> None:
    found = paused(filled)
    backup.write(filled, tmp_path / "all.zip", SEARCHES)
    theirs = SearchFolder(target, found.id).path
    theirs.mkdir(parents=True)
    with pytest.raises(BackupError, match=f"a folder searches/{found.id} is in the way"):
        restoration.restore(tmp_path / "all.zip", target, SEARCHES)
    assert theirs.is_dir()
    assert target.runs() == []


DAMAGES = [(WANTED, "{}"), (SEARCH, "no JSON"), (WANTED, '{"trials": 10, "state": 7}')]


@pytest.mark.parametrize(("name", "text"), DAMAGES)
def test_a_damaged_search_is_in_no_backup(filled: Store, target: Store, tmp_path: Path, name: str, text: str) -> None:
    (paused(filled).path / name).write_text(text, "utf-8")
    sound = paused(filled)
    moved(filled, target, tmp_path / "all.zip")
    assert [found.id for found in folders.all_of(target)] == [sound.id]


@pytest.mark.parametrize(("name", "text"), DAMAGES)
def test_what_is_no_search_refuses_the_backup(
    filled: Store, target: Store, tmp_path: Path, name: str, text: str
) -> None:
    (paused(filled).path / name).write_text(text, "utf-8")
    backup.write(filled, tmp_path / "all.zip", replace(SEARCHES, is_sound=lambda store, search: True))
    with pytest.raises(ArchiveError, match=r"all\.zip: "):
        restoration.restore(tmp_path / "all.zip", target, SEARCHES)
    assert not target.root.exists()


NAMES = ["searches/../x/search.json", "searches/0123abcd/lock", "searches/search.json", "search/0123abcd/search.json"]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_no_search_has_is_refused(target: Store, tmp_path: Path, name: str) -> None:
    (tmp_path / "x").write_text("x", "utf-8")
    archive.pack({name: tmp_path / "x"}, tmp_path / "all.zip")
    with pytest.raises(ArchiveError, match="is no file of a store"):
        restoration.restore(tmp_path / "all.zip", target, SEARCHES)
