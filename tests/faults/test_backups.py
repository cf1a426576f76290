"""Backups of a store in which real workers train, and restorings that are killed."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from mnistnet.runs.backup import archive, backup, restoration
from mnistnet.runs.files import checkpoint
from mnistnet.runs.run import Run
from mnistnet.runs.store.store import Store
from mnistnet.runs.worker import supervisor, training_job
from tests.faults.conftest import Outcome, outcome
from tests.support.processes import until
from tests.support.samples import TINY, recipe, running

EPOCHS = 12  # a few seconds
LOOKED_AT = 4  # of all the backups; each costs a restoring


def wait_for_all(store: Store) -> None:
    """Until nothing trains any more, looking as a person would."""

    def is_over() -> bool:
        supervisor.refresh(store)
        return not store.active()

    until(is_over, seconds=200)


def done(store: Store) -> Run:
    """A run that has ended, trained in this process."""
    threads = torch.get_num_threads()
    run = running(store, epochs=1)
    training_job.train(store, run)
    torch.set_num_threads(threads)
    return run


def restored(file: Path, root: Path) -> Store:
    """The backup in a store of its own, by the command line."""
    command = [sys.executable, "-m", "mnistnet", "restore", str(file)]
    subprocess.run(command, env={**os.environ, "MNISTNET_STORE": str(root)}, check=True, stdout=subprocess.PIPE)
    return Store(root)


def assert_newest_checkpoints_are_whole(store: Store) -> None:
    for run in store.runs():
        rows = store.metrics(run.id)
        assert not rows or checkpoint.newest(store.folder(run.id), rows[-1:]) is not None


def test_backups_while_two_workers_train_disturb_none_and_each_run_goes_on_from_them(
    store: Store, tmp_path: Path, undisturbed: Callable[[Run], Outcome]
) -> None:
    finished = done(store)
    runs = [store.enqueue(TINY, recipe(epochs=EPOCHS, seed=seed)) for seed in (1, 2)]
    epochs: dict[Path, int] = {}  # of the backups with an unfinished run, how many are in it
    # One after the other from before the first epoch to after the last, however slow the machine is just now.
    while active := store.active():
        file = tmp_path / f"{time.monotonic_ns()}.zip"
        if backup.write(store, file).unfinished:
            epochs[file] = sum(run.epochs_done for run in active)
        supervisor.refresh(store)
        time.sleep(0.1)
    for run in runs:
        assert outcome(store, run.id) == undisturbed(run)
        assert store.run(run.id).attempt == 1

    for number, file in enumerate(list(epochs)[:: len(epochs) // LOOKED_AT + 1]):
        looked_at = Store(tmp_path / f"looked at {number}")
        restoration.restore(file, looked_at)
        assert_newest_checkpoints_are_whole(looked_at)

    halfway = min(epochs, key=lambda file: abs(epochs[file] - EPOCHS))
    again = restored(halfway, tmp_path / "again")
    assert outcome(again, finished.id) == outcome(store, finished.id)
    for name in ("epoch-0001.pt", "predictions-test.npz", "design.json"):
        assert archive.sha256(again.folder(finished.id) / name) == archive.sha256(store.folder(finished.id) / name)

    supervisor.refresh(again)
    time.sleep(0.5)
    assert again.active() == []  # nothing begins to train by itself
    for run in again.runs():
        if run.state.is_resumable:
            supervisor.resume(again, run.id)
    wait_for_all(again)
    for run in runs:
        assert outcome(again, run.id) == undisturbed(run)
    until(lambda: not supervisor._alive())


# Killed


RUNS = 60


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, Path]:
    """A store of many runs, and its backup: one that takes a while to restore."""
    folder = tmp_path_factory.mktemp("many")
    store = Store(folder / "runs")
    for run in store.enqueue_all([(TINY, recipe())] * RUNS):
        (store.folder(run.id) / "log.txt").write_bytes(os.urandom(50_000))
        store.request_stop(run.id)
    backup.write(store, folder / "many.zip")
    return store, folder / "many.zip"


def in_place(root: Path) -> int:
    return len([path for path in root.glob("[0-9a-f]*") if path.is_dir()])


MOMENTS: dict[str, Callable[[Path], bool]] = {
    "when it begins": lambda root: (root / ".restoring").exists(),
    "in the middle of unpacking": lambda root: len(list((root / ".restoring").glob("*/log.txt"))) > RUNS // 2,
    "before the folders are put in their place": lambda root: (root / "runs.sqlite").exists(),
    "in the middle of putting them there": lambda root: in_place(root) > 0,
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_restoring_killed_in_the_middle_leaves_an_empty_or_a_whole_store_and_can_be_called_again(
    many: tuple[Store, Path], tmp_path: Path, moment: str
) -> None:
    original, file = many
    root = tmp_path / "runs"
    code = "import sys; from pathlib import Path; from mnistnet.runs.backup.restoration import restore;"
    code += "from mnistnet.runs.store.store import Store; restore(Path(sys.argv[1]), Store(Path(sys.argv[2])))"
    process = subprocess.Popen([sys.executable, "-c", code, str(file), str(root)])
    while process.poll() is None and not MOMENTS[moment](root):
        time.sleep(0.001)  # some of these moments are short
    assert process.poll() in (None, 0), "it ended with an error before it could be killed"
    process.kill()
    process.wait()

    store = Store(root)
    if not store.runs():
        restoration.restore(file, store)
    assert [run.id for run in store.runs()] == [run.id for run in original.runs()]
    for run in store.runs():
        name = f"{run.id}/log.txt"
        assert archive.sha256(root / name) == archive.sha256(original.root / name)
