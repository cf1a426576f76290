"""Searches through the store's own queue, with real controllers, supervisors and workers, on the offline sample."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mnistnet.nets.architecture import Architecture
from mnistnet.runs.files.names import PID
from mnistnet.runs.run import Run, RunState
from mnistnet.runs.store.store import Store
from mnistnet.runs.worker import supervisor
from mnistnet.search import control
from mnistnet.search.executors.local import MOST_ATTEMPTS
from mnistnet.search.folder import SearchFolder, find
from mnistnet.search.trials import TrialState
from tests.support.processes import controllers, until, workers
from tests.support.samples import TINY, recipe
from tests.support.searches import WIDTHS, a_search


def started(store: Store, **fields: Any) -> SearchFolder:
    return control.start(store, a_search(**fields))


def is_done(folder: SearchFolder) -> bool:
    control.refresh(folder.store)
    return folder.state(folder.trials()) == "done"


def runs_of(folder: SearchFolder) -> list[Run]:
    return [run for run in folder.store.runs() if run.search == folder.id]


def test_a_search_runs_through_and_asks_the_test_set_for_the_winner_alone(store: Store) -> None:
    folder = started(store, recipe=recipe(epochs=2))
    until(lambda: is_done(folder))
    trials, runs = folder.trials(), runs_of(folder)
    parts = [part for trial in trials.by_number.values() for part in trial.parts]
    assert {run.id for run in runs} == {part.run for part in parts}
    assert all(part.state == "done" for part in parts)
    by_id = {run.id: run for run in runs}
    assert {part.run: part.accuracy for part in parts} == {run.id: run.validation_accuracy for run in runs}
    for trial in trials.by_number.values():
        run = by_id[str(trial.run)]
        assert (run.trial, run.params) == (trial.number, trial.params)
        assert (run.test_errors is not None) == run.scored == (trial.phase == "winner")
        assert run.scorable == (("test", "validation") if run.scored else ("validation",))
        assert not (store.folder(run.id) / "predictions-test.npz").exists() or run.scored


def test_trials_of_a_search_are_trained_in_turn_by_as_many_processes_as_there_are_cores(store: Store) -> None:
    folder = started(store, trials=8, finalists=0)
    until(lambda: is_done(folder))
    pids = [(store.folder(run.id) / PID).read_text("ascii") for run in runs_of(folder)]
    assert len(pids) == 8
    assert len(set(pids)) <= 4  # two at a time; a worker that finds nothing waiting ends


def test_a_run_that_someone_starts_goes_before_the_trials_that_wait_behind_it(store: Store) -> None:
    folder = started(store, trials=8, finalists=0)
    until(lambda: len(runs_of(folder)) > 1)
    mine = supervisor.submit(store, TINY, recipe(epochs=1)).id

    def is_done_in_turn() -> bool:
        states = {run.id: run.state for run in store.active()}  # one reading, in the order of the queue
        if states.get(mine) is RunState.QUEUED:
            behind = list(states)[list(states).index(mine) :]
            assert {states[run] for run in behind} == {RunState.QUEUED}
        return is_done(folder)

    until(is_done_in_turn)
    until(lambda: store.run(mine).state is RunState.DONE)


def test_a_search_of_seeds_trains_one_design_with_each(store: Store) -> None:
    folder = started(store, space=(), trials=1, seeds=3, finalists=0)
    until(lambda: is_done(folder))
    (trial,) = folder.trials().by_number.values()
    assert sorted(run.recipe.seed for run in runs_of(folder)) == [1, 2, 3]
    assert trial.accuracy == pytest.approx(sum(trial.accuracies) / 3)


def test_workers_and_controllers_that_are_killed_again_and_again_lose_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "_PATIENCE_SECONDS", 0.0)
    folder = started(store, trials=6, finalists=0, recipe=recipe(epochs=12))
    victims = [workers, controllers] * 2  # each run has three attempts: more kills would rightly end some
    trained = 0

    def kill_after_each_epoch() -> bool:
        nonlocal trained
        done = sum(run.epochs_done for run in runs_of(folder))
        if victims and done > trained and (found := victims[0](store)):
            found[0].kill()
            trained = done
            del victims[0]
        return is_done(folder)

    until(kill_after_each_epoch, 100)
    trials = folder.trials()
    assert not victims, "the search ended before all were killed"
    assert [trial.state for trial in trials.of_phase("search")] == [TrialState.DONE] * 6
    assert len(runs_of(folder)) == 6
    assert all(len(trial.parts[0].reports) == 12 for trial in trials.by_number.values())


@pytest.mark.posix
def test_a_trial_that_kills_its_worker_three_times_fails_and_the_search_ends(store: Store) -> None:
    folder = started(store, space=(), trials=1, seeds=1, finalists=0, recipe=recipe(epochs=100))
    killed: set[int] = set()

    def kill_and_look() -> bool:
        for process in workers(store):
            if process.pid not in killed and any(run.epochs_done or run.step for run in runs_of(folder)):
                os.kill(process.pid, signal.SIGKILL)
                killed.add(process.pid)
        return is_done(folder)

    until(kill_and_look, 90)
    (trial,) = folder.trials().by_number.values()
    assert trial.state is TrialState.FAILED
    assert trial.message.startswith(f"{MOST_ATTEMPTS} attempts: its process ")
    assert len(killed) == MOST_ATTEMPTS


def test_stopped_and_resumed_it_ends_with_the_same_trials(store: Store) -> None:
    folder = started(store, trials=3, finalists=0, recipe=recipe(epochs=8))
    until(lambda: any(trial.parts and trial.parts[0].reports for trial in folder.trials().by_number.values()))
    control.stop(folder)
    until(lambda: folder.state(folder.trials()) == "stopped")
    assert not store.active()
    control.resume(folder)
    until(folder.is_controlled, 10)
    until(lambda: is_done(folder))
    assert [trial.state for trial in folder.trials().of_phase("search")] == [TrialState.DONE] * 3


def test_a_store_that_vanishes_ends_its_controller(store: Store) -> None:
    import shutil

    folder = started(store, trials=4, finalists=0, recipe=recipe(epochs=50))
    until(lambda: store.active())
    for run in store.active():
        store.request_stop(run.id)
    until(lambda: not workers(store))
    while store.root.exists():  # the controller may write into it meanwhile
        shutil.rmtree(store.root, ignore_errors=True)
    until(lambda: not controllers(store))
    assert not store.root.exists()
    with pytest.raises(Exception, match="no such search"):
        find(store, folder.id)


PROBE = """
import sys
from pathlib import Path
from mnistnet.runs.store.store import Store
from mnistnet.search import controller
from mnistnet.search.folder import SearchFolder
controller.control(SearchFolder(Store(Path(sys.argv[1])), sys.argv[2]))
import psutil
listening = [one for one in psutil.Process().net_connections() if one.status == psutil.CONN_LISTEN]
print([name for name in ("dask", "distributed", "optuna", "torch") if name in sys.modules], listening)
"""


def test_the_local_executor_needs_no_extra_and_opens_no_port(store: Store, tmp_path: Any) -> None:
    from mnistnet.search import folder as folders

    folder = folders.create(store, a_search(trials=2, finalists=0))
    absent = tmp_path / "absent"
    absent.mkdir()
    for name in ("optuna", "dask", "distributed"):
        (absent / f"{name}.py").write_text(f"raise ModuleNotFoundError(name='{name}')")
    paths = os.pathsep.join([str(absent), str(Path.cwd())])
    ended = subprocess.run(
        [sys.executable, "-c", PROBE, str(store.root), folder.id],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.stdout == "[] []\n", ended.stderr
    assert len(folder.trials().of_phase("search")) == 2


def design_with(widths: tuple[int, int]) -> Architecture:
    layers = list(TINY.layers)
    for place, width in zip((0, 2), widths, strict=True):
        layers[place] = layers[place].model_copy(update={"channels": width})
    return TINY.with_layers(tuple(layers))


def test_a_trial_has_the_weights_that_its_design_and_recipe_have_alone(store: Store) -> None:
    folder = started(store, trials=3, finalists=0)
    until(lambda: is_done(folder))
    trial = folder.trials().by_number[2]
    widths = tuple(int(trial.values[choice.name]) for choice in WIDTHS)
    alone = supervisor.submit(store, design_with(widths), recipe(epochs=1, seed=trial.parts[0].seed))  # type: ignore[arg-type]
    until(lambda: store.run(alone.id).state is RunState.DONE)
    assert store.run(alone.id).weights_sha256 == store.run(str(trial.run)).weights_sha256
