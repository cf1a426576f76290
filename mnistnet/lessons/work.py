"""Work: what a student has so far, from which checks compute whether a task is done. Knows no check and no session."""

from dataclasses import dataclass
from functools import cached_property

from mnistnet.nets.architecture import Architecture
from mnistnet.nets.summary import LayerSummary, Summary, summarize
from mnistnet.runs.files.predictions import SplitName
from mnistnet.runs.run import Run, RunState

CONVOLUTIONS = ("conv", "depthwise")


@dataclass(frozen=True)
class Look:
    """A digit that the run's network predicts wrong, opened on the Mistakes page.

    `index` is its place in the split, `question` the explanation that was shown (`why`, `layers`, `pixels`, `alike`).
    """

    run: str
    split: SplitName
    index: int
    question: str


@dataclass(frozen=True)
class Outcome:
    """The outcome of a task: done or not, and the figure that says so."""

    done: bool
    figure: str


@dataclass(frozen=True)
class Work:
    """The current design, the runs that count for the lesson, and the mistakes that were looked at."""

    design: Architecture
    runs: tuple[Run, ...] = ()
    looks: tuple[Look, ...] = ()

    @cached_property
    def summary(self) -> Summary:
        """The summary of the design."""
        return summarize(self.design)

    @property
    def convolutions(self) -> list[LayerSummary]:
        """The rows of the convolutions, in order, the head's among them."""
        return [row for row in self.summary.rows if row.type in CONVOLUTIONS]

    @property
    def ended(self) -> list[Run]:
        """The runs whose training has come to its end, well (done) or not (diverged)."""
        return [run for run in self.runs if run.state in (RunState.DONE, RunState.DIVERGED)]
