"""The controller: phases in order, nothing trained twice wherever it was cut off, and what people ask of it."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from mnistnet.runs.files import locks
from mnistnet.runs.store.store import Store
from mnistnet.search import finalists
from mnistnet.search import folder as folders
from mnistnet.search.controller import Controller
from mnistnet.search.executors.address import NoCluster
from mnistnet.search.executors.executor import Event, Task, TaskEnded
from mnistnet.search.folder import LOCK, LOG, SearchFolder
from mnistnet.search.log import Finished
from mnistnet.search.search import SearchError
from mnistnet.search.trials import Part, Trial, Trials, TrialState
from tests.support.searches import WIDTHS, a_search
from tests.support.searching import Instant, run_through, wider_is_better


def new(store: Store, **fields: Any) -> SearchFolder:
    return folders.create(store, a_search(**fields))


def ended(trials: Trials) -> Finished:
    assert trials.finished
    return trials.finished


def results(trials: Trials) -> dict[int, Any]:
    """What must not depend on when a controller was killed."""
    return {
        trial.number: (trial.phase, trial.of, dict(trial.values), trial.state, trial.accuracy, _without_times(trial))
        for trial in trials.by_number.values()
    }


def _without_times(trial: Trial) -> list[Part]:
    return [replace(part, ended=None) for part in trial.parts]


def test_trials_then_finalists_with_new_seeds_then_one_scored_winner(store: Store) -> None:
    folder = new(store)
    executor = Instant()
    tasks: dict[str, Task] = {}
    submit = executor.submit
    executor.submit = lambda task: (tasks.update({task.key: task}), submit(task))[1]  # type: ignore[method-assign]
    run_through(folder, executor)
    trials = folder.trials()
    searched, again, won = (trials.of_phase(phase) for phase in ("search", "finalist", "winner"))
    assert (len(searched), len(again), len(won)) == (6, 3, 1)
    ranked = sorted(searched, key=lambda trial: -(trial.accuracy or 0))
    assert [trial.of for trial in again] == [0, *(trial.number for trial in ranked[:2])]
    assert won[0].values == ranked[0].values
    seeds = {
        phase: {part.seed for trial in trials.of_phase(phase) for part in trial.parts}
        for phase in ("search", "finalist", "winner")
    }
    assert seeds == {"search": {1}, "finalist": {1001, 1002}, "winner": {2001}}
    assert [task.trial.number for task in tasks.values() if task.trial.scored] == [won[0].number]
    assert ended(trials).state == "done"
    assert "points over the start with 2 new seeds each" in ended(trials).message
    assert folder.state(trials) == "done"


def test_where_no_finalist_is_better_the_test_set_is_not_asked(store: Store) -> None:
    folder = new(store)
    run_through(folder, Instant(lambda task, epoch: 0.9 if task.trial.number in (0, 6) else 0.5))
    trials = folder.trials()
    assert trials.winner is None
    assert ended(trials).message == "No finalist is better than the start with new seeds."


@pytest.mark.parametrize("fields", [{}, {"sampler": "tpe"}], ids=["random", "tpe"])
def test_killed_after_any_line_of_its_log_it_goes_on_to_the_same_end(store: Store, fields: dict[str, Any]) -> None:
    folder = new(store, **fields)
    run_through(folder, Instant(slots=1))
    whole = (folder.path / LOG).read_bytes().splitlines(keepends=True)
    expected = results(folder.trials())
    for kept in range(len(whole)):
        ended = sum(b'"event": "ended"' in line for line in whole[:kept])
        half = whole[kept][: len(whole[kept]) // 2] if kept % 3 == 0 else b""
        (folder.path / LOG).write_bytes(b"".join(whole[:kept]) + half)
        executor = run_through(folder, Instant(slots=1))
        assert results(folder.trials()) == expected, kept
        assert len(executor.submitted) == sum(len(trial.parts) for trial in folder.trials().by_number.values()) - ended


def test_two_hundred_trainings_that_train_nothing_take_less_than_ten_seconds(store: Store) -> None:
    space = tuple(width.model_copy(update={"high": 60}) for width in WIDTHS)
    folder = new(store, trials=200, finalists=0, space=space, budget={"params": 500_000})
    began = time.monotonic()
    run_through(folder)
    assert time.monotonic() - began < 10
    assert len(folder.trials().of_phase("search")) == 200


class Slow(Instant):
    """Ends nothing until it is told to."""

    go = False

    def events(self) -> list[Event]:
        return super().events() if self.go else []


def steps(controller: Controller, count: int) -> list[bool]:
    return [controller._step() for _ in range(count)]


def test_paused_it_starts_nothing_more_and_ends_when_all_have_ended(store: Store) -> None:
    folder = new(store)
    executor = Slow()
    controller = Controller(folder, executor)
    steps(controller, 3)
    assert len(executor.submitted) == 3
    folder.want(state="paused")
    assert steps(controller, 3) == [False] * 3
    executor.go = True
    assert controller._step()
    assert len(executor.submitted) == 3
    assert folder.state(folder.trials()) == "paused"
    folder.want(state="running")
    run_through(folder)
    assert len(folder.trials().of_phase("search")) == 6


def test_stopped_it_cancels_and_resumed_it_trains_these_anew(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mnistnet.search.controller._STOP_PATIENCE_SECONDS", 0.1)
    folder = new(store)
    executor = Slow()
    controller = Controller(folder, executor)
    controller._step()
    folder.want(state="stopped")
    assert controller._step()
    assert sorted(executor.cancelled) == sorted(executor.submitted)
    assert folder.state(folder.trials()) == "stopped"
    folder.want(state="running")
    again = run_through(folder)
    assert set(executor.submitted) <= set(again.submitted)
    assert folder.state(folder.trials()) == "done"


def test_extended_it_goes_on_where_it_ended(store: Store) -> None:
    folder = new(store)
    run_through(folder)
    first = results(folder.trials())
    folder.want(trials=9)
    assert folder.state(folder.trials()) == "waiting"
    executor = run_through(folder)
    trials = folder.trials()
    assert len(trials.of_phase("search")) == 9
    assert {number: found for number, found in results(trials).items() if number in first} == first
    assert not any(f"{folder.id}-{number}-" in key for key in executor.submitted for number in first)


def test_the_test_set_is_asked_once_though_an_extended_search_finds_a_better_winner(store: Store) -> None:
    better: set[int] = set()

    def score(task: Task, epoch: int) -> float:
        return 0.999 if task.trial.number in better else wider_is_better(task, epoch)

    folder = new(store)
    run_through(folder, Instant(score))
    scored = folder.trials().winner
    assert scored is not None
    assert "The test set was asked" not in ended(folder.trials()).message
    better.update(range(len(folder.trials().by_number), 100))
    folder.want(trials=9)
    run_through(folder, Instant(score))
    trials = folder.trials()
    won = finalists.winner_of(trials)
    assert won is not None
    assert won.values != scored.values
    assert trials.of_phase("winner") == [scored]
    assert ended(trials).message.endswith(
        f"The test set was asked for trial {trials.original(scored)} before the search was extended; it is asked once "
        "a search."
    )


def test_what_a_search_waits_for_is_said_as_long_as_it_waits(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    class Waiting(Instant):
        looks = 0

        def events(self) -> list[Event]:
            seen.append(folder.notice())
            self.looks += 1
            if self.looks == 1:
                raise NoCluster("cluster tcp://127.0.0.1:1: no scheduler answers")
            self.waits_for = "no worker yet" if self.looks < 4 else ""
            return super().events() if self.looks > 4 else []

    monkeypatch.setattr("mnistnet.search.controller.TROUBLE_SECONDS", 0.01)
    folder = new(store, finalists=0)
    lock = locks.hold(folder.path / LOCK)
    assert lock is not None
    with lock:
        run_through(folder, Waiting())
    assert seen[:6] == ["", "cluster tcp://127.0.0.1:1: no scheduler answers", "no worker yet", "no worker yet", "", ""]
    assert folder.notice() == ""


class Away(Instant):
    """An executor whose scheduler goes away after some looks; each of them is followed by `then`."""

    def __init__(self, looks: int, then: Callable[[], object]) -> None:
        super().__init__()
        self._looks, self._then = looks, then

    def events(self) -> list[Event]:
        self._looks -= 1
        if self._looks < 0:
            raise NoCluster("no scheduler answers")
        self._then()
        return []


@pytest.mark.parametrize(("state", "looks"), [("stopped", 1), ("stopped", 3), ("paused", 0)])
def test_a_search_whose_scheduler_is_away_rests_at_once_where_that_is_asked_for(
    store: Store, state: str, looks: int
) -> None:
    folder = new(store, finalists=0)
    if not looks:
        folder.want(state=state)
    began = time.monotonic()
    run_through(folder, Away(looks, lambda: folder.want(state=state)))
    assert time.monotonic() - began < 2
    assert folder.state(folder.trials()) == state
    assert TrialState.RUNNING not in {trial.state for trial in folder.trials().by_number.values()}
    folder.want(state="running")
    run_through(folder)
    assert folder.state(folder.trials()) == "done"


def test_a_trial_that_fails_ends_as_failed_and_the_search_goes_on(store: Store) -> None:
    class Failing(Instant):
        def events(self) -> list[Event]:
            bad = [key for key in self._tasks if key.split("-")[1] == "2"]
            for key in bad:
                del self._tasks[key]
            return [
                *super().events(),
                *(TaskEnded(key, "failed", None, message="its worker died 3 times") for key in bad),
            ]

    folder = new(store)
    run_through(folder, Failing())
    trials = folder.trials()
    assert (trials.by_number[2].state, trials.by_number[2].message) == (TrialState.FAILED, "its worker died 3 times")
    assert ended(trials).state == "done"


def test_events_that_come_twice_or_late_count_once(store: Store) -> None:
    class Repeating(Instant):
        def __init__(self) -> None:
            super().__init__()
            self.told: list[Event] = []

        def events(self) -> list[Event]:
            news = super().events()
            late, self.told = self.told, [*self.told, *news]
            return [*late, *news, *news]

    folder, plain = new(store), new(store)
    run_through(folder, Repeating())
    run_through(plain)
    assert results(folder.trials()) == results(plain.trials())


def test_of_two_controllers_one_works(store: Store) -> None:
    from mnistnet.runs.files import locks
    from mnistnet.search.controller import control
    from mnistnet.search.folder import LOCK

    folder = new(store)
    lock = locks.hold(folder.path / LOCK)
    assert lock
    control(folder)
    assert not folder.trials().by_number
    assert folder.state(folder.trials()) == "running"
    with pytest.raises(SearchError, match="it is at work; stop it before deleting it"):
        folders.delete(folder)
    lock.release()
    folders.delete(folder)
    assert folders.all_of(store) == []


def test_trouble_of_the_executor_is_waited_for(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    from mnistnet.errors import OperationFailed

    monkeypatch.setattr("mnistnet.search.controller.TROUBLE_SECONDS", 0.01)

    class Troubled(Instant):
        times = 0

        def events(self) -> list[Event]:
            self.times += 1
            if self.times % 3:
                raise OperationFailed("the scheduler is away")
            return super().events()

    folder = new(store)
    run_through(folder, Troubled())
    assert ended(folder.trials()).state == "done"


def test_a_training_that_could_not_be_submitted_is_submitted_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mnistnet.errors import SaveFailed

    monkeypatch.setattr("mnistnet.search.controller.TROUBLE_SECONDS", 0.01)

    class Full(Instant):
        tries = 0

        def submit(self, task: Task) -> None:
            self.tries += 1
            if self.tries % 2:
                raise SaveFailed("the disk is full")
            super().submit(task)

    folder = new(store)
    executor = run_through(folder, Full())
    assert ended(folder.trials()).state == "done"
    assert len(executor.submitted) == len(set(executor.submitted)) == 6 + 3 * 2 + 1


def test_the_front_has_no_trial_that_another_one_beats(store: Store) -> None:
    folder = new(store, trials=40, finalists=0)
    run_through(folder, Instant(lambda task, epoch: (hash(task.key[9:]) % 100) / 100))
    done = folder.trials().of_phase("search")
    found = finalists.front(done)
    for one in found:
        assert not any(
            other.params <= one.params
            and (other.accuracy or 0) >= (one.accuracy or 0)
            and other.values != one.values
            and (other.params, other.accuracy) != (one.params, one.accuracy)
            for other in done
        )
    assert found
