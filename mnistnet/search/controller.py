"""Runs one search to its end: proposals, trainings, finalists, winner.

`python -m mnistnet.search.controller ROOT SEARCH` is the process. It holds the search's lock as long as it lives, and
knows nothing that is not in the log: killed at any moment, the next one goes on from there. Imports no torch.
"""

import sys
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from mnistnet.errors import MnistnetError
from mnistnet.runs.files import locks
from mnistnet.runs.store.queue import Trial as TrialOfRun
from mnistnet.runs.store.store import Store
from mnistnet.search import finalists, sampler
from mnistnet.search.executors.connection import connect
from mnistnet.search.executors.executor import EpochReported, Event, Executor, Task, Unreachable
from mnistnet.search.folder import LOCK, SearchFolder, Wanted, read_on
from mnistnet.search.log import Ended, Finished, Line, LogError, Phase, Proposed, Reported, Submitted
from mnistnet.search.proposals import Proposals
from mnistnet.search.sampler import Exhausted
from mnistnet.search.trials import Trial, Trials, TrialState

POLL_SECONDS = 0.1
TROUBLE_SECONDS = 2.0
MOST_TROUBLE = 300  # waits in a row, then the controller gives up: whoever looks next starts another one
_STOP_PATIENCE_SECONDS = 30.0


def control(folder: SearchFolder) -> None:
    """Work on the search until it is done, paused or stopped. Returns at once where another controller does."""
    lock = locks.hold(folder.path / LOCK, patience_seconds=0.5)
    if lock is None:
        return
    with lock:
        wanted = folder.wanted()
        executor = connect(folder.store, wanted, folder.search().recipe.threads)
        try:
            Controller(folder, executor).work()
        finally:
            executor.close()


class Controller:
    """One search under way. `trials` is what its log says."""

    def __init__(self, folder: SearchFolder, executor: Executor) -> None:
        self.folder, self.executor = folder, executor
        self.search, self._writer = folder.search(), folder.writer()
        self._reader = folder.reader()
        self.trials = read_on(self._reader, Trials(), self.search)
        self._sampler = sampler.sampler_of(self.search)
        for trial in self.trials.by_number.values():
            self._sampler.tell(trial)
        self._proposals = Proposals(self.search, self._sampler)
        self._active: dict[str, tuple[int, int]] = {}  # the trial and part of each key
        self._to_send: list[Task] = []  # noted, and not submitted yet
        self._trouble = 0
        self._noted = 0  # lines, by this controller
        self._notice: str | None = None  # as its folder has it

    def work(self) -> None:
        """Until the search is done, or nothing is wanted of it any more."""
        if self.trials.finished and self.trials.finished.state == "failed":
            return
        with suppress(MnistnetError):  # each step tries again
            self._submit([part for trial in self.trials.by_number.values() for part in trial.unfinished])
        before = 0
        while not self._step():
            if self._noted == before:
                time.sleep(POLL_SECONDS)
            before = self._noted

    def _step(self) -> bool:
        """One look at everything; True where the controller is to end."""
        try:
            wanted = self.folder.wanted()
            if wanted.state != "stopped":
                self._send()
            self._take(self.executor.events())
            if wanted.state == "stopped":
                return self._stop()
            if wanted.state == "running" and self._fill(wanted):
                return True
            self._trouble = 0
            self._tell(self.executor.waits_for if self._active else "")
            return wanted.state == "paused" and not self._active
        except (MnistnetError, OSError) as error:  # a full disk, a store that is gone, a scheduler that went away
            return self._give_up(error)

    def _give_up(self, error: MnistnetError | OSError) -> bool:
        """Wait after a step that failed; True where the controller is to end."""
        self._trouble += 1
        self._tell(str(error))
        sys.stderr.write(f"{error}\n")
        with suppress(MnistnetError):
            rests = self.folder.wanted().state
            if isinstance(error, Unreachable) and (rests == "stopped" or (rests == "paused" and not self._active)):
                ends = [Ended(number=number, part=part, state="stopped") for number, part in self._active.values()]
                self._note(*ends)  # nobody can be told; what the scheduler still has is found when it is resumed
                return True
        time.sleep(TROUBLE_SECONDS)
        return self._trouble > MOST_TROUBLE or not self.folder.path.is_dir()

    def _tell(self, notice: str) -> None:
        """Say, to whoever looks at the search, what it waits for."""
        if notice != self._notice and self.folder.tell(notice):
            self._notice = notice

    def _stop(self) -> bool:
        """Cancel what is under way, and wait for its end for a while."""
        for key in self._active:
            self.executor.cancel(key)
        until = time.monotonic() + _STOP_PATIENCE_SECONDS
        while self._active and time.monotonic() < until:
            self._take(self.executor.events())
            time.sleep(POLL_SECONDS)
        return True

    # Trainings

    def _submit(self, parts: list[tuple[Trial, int]]) -> None:
        """Give trainings to the executor, each noted before: a note without a training is submitted again."""
        for trial, part in parts:
            seed = finalists.seed(self.search, trial.phase, part)
            self._note(Submitted(number=trial.number, part=part, seed=seed))
            task = self._task(trial, part, seed)
            self._active[task.key] = (trial.number, part)
            self._to_send.append(task)
        self._send()

    def _send(self) -> None:
        """Submit what is to be submitted, again after a refusal. Raises what the executor raises."""
        while self._to_send:
            self.executor.submit(self._to_send[0])
            self._to_send.pop(0)

    def _task(self, trial: Trial, part: int, seed: int) -> Task:
        architecture, recipe = self._proposals.of(trial.values)
        name = f"{self.search.design.name}-{trial.number}"[-80:]
        run = TrialOfRun(self.folder.id, trial.number, scored=trial.phase == "winner")
        key = f"{self.folder.id}-{trial.number}-{part}"
        return Task(key, architecture.renamed(name), recipe.changed(seed=seed), run)

    def _take(self, events: list[Event]) -> None:
        """Note what happened, all of it at once, and end what has become hopeless."""
        known = [event for event in events if event.key in self._active]
        self._note(*(self._line(event) for event in known))
        for event in known:
            if event.key not in self._active:  # told twice
                continue
            trial = self.trials.by_number[self._active[event.key][0]]
            if isinstance(event, EpochReported):
                if self._sampler.is_hopeless(trial) and trial.state is TrialState.RUNNING:
                    self._prune(event.key)
            else:
                self._active.pop(event.key, None)

    def _line(self, event: Event) -> Line:
        number, part = self._active[event.key]
        if isinstance(event, EpochReported):
            return Reported(number=number, part=part, epoch=event.epoch, accuracy=event.accuracy)
        told = {name: value for name, value in asdict(event).items() if name != "key"}
        return Ended(number=number, part=part, **told)

    def _prune(self, key: str) -> None:
        number, part = self._active.pop(key)
        self.executor.cancel(key)
        self._note(Ended(number=number, part=part, state="pruned"))

    # Phases

    def _fill(self, wanted: Wanted) -> bool:
        """Submit as much as the executor has slots for; True where nothing is left to do."""
        while len(self._active) < self.executor.slots:
            if following := self._following(wanted):
                self._submit(following)
                continue
            if not self._active:
                self._note(Finished(state="done", message=finalists.summary(self.trials)))
                return True
            return False
        return False

    def _following(self, wanted: Wanted) -> list[tuple[Trial, int]]:
        """The next parts to be trained; none where all that can be submitted now is."""
        if len(self.trials.of_phase("search")) < wanted.trials:
            try:
                return self._propose(wanted)
            except Exhausted:
                self.folder.want(trials=max(1, len(self.trials.of_phase("search"))))
        if self._active:
            return []  # finalists are chosen once all trials have ended
        chosen = finalists.following(self.search, self.trials)
        phase: Phase = "winner" if chosen and chosen[0].phase == "finalist" else "finalist"
        return [part for trial in chosen for part in self._again(trial, phase)]

    def _propose(self, wanted: Wanted) -> list[tuple[Trial, int]]:
        """Propose until one proposal is within the budget. Raises Exhausted."""
        while True:
            line = self._proposals.following(self.trials)
            self._note(line)
            if not line.why_not:
                return self.trials.by_number[line.number].unfinished

    def _again(self, trial: Trial, phase: Phase) -> list[tuple[Trial, int]]:
        number = len(self.trials.by_number)
        line = Proposed(
            number=number,
            phase=phase,
            of=trial.number if trial.number != finalists.START else None,
            values=dict(trial.values),
            params=trial.params,
            macs=trial.macs,
        )
        self._note(line)
        return self.trials.by_number[number].unfinished

    def _note(self, *lines: Line) -> None:
        """Write lines into the log, and learn from it: what is known is what was written. Raises LogError."""
        if not lines:
            return
        self._writer.append(*lines)
        self._noted += len(lines)
        self.trials = read_on(self._reader, self.trials, self.search)
        for number in {line.number for line in lines if not isinstance(line, Finished)}:
            self._sampler.tell(self.trials.by_number[number])


def main(root: str, search: str) -> None:
    """Control the search; what makes it impossible is noted as its end."""
    folder = SearchFolder(Store(Path(root)), search)
    try:
        control(folder)
    except LogError as error:
        sys.stderr.write(f"{error}\n")
    except MnistnetError as error:
        sys.stderr.write(f"{error}\n")
        folder.writer().append(Finished(state="failed", message=str(error)))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
