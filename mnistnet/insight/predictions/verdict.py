"""A run against the rules of the assignment: each rule, whether it is met, and the figure. No torch, no Streamlit.

`rules_of` needs the run's row alone and is cheap for thousands of runs; `verdict_of` also reads the epochs.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from mnistnet.data import datasets
from mnistnet.data.splits import counts
from mnistnet.insight.predictions.evaluation import Score, streak
from mnistnet.nets import rules
from mnistnet.nets.architecture import Linear
from mnistnet.nets.rules import COURSE, Profile, Verdict
from mnistnet.nets.summary import summarize
from mnistnet.runs.run import EpochMetrics, Run, RunState

_UNFINISHED = {
    RunState.STOPPED: "stopped",
    RunState.INTERRUPTED: "interrupted",
    RunState.FAILED: "failed",
    RunState.DIVERGED: "diverged",
}


@dataclass(frozen=True)
class RunVerdict:
    """The verdict on a run that has ended, as the Train page shows it.

    `met` is None where there is no verdict: another data set, or training that did not finish. `accuracy` is None
    where the accuracy cannot be judged; `reached` states it in each case. `first` is the first epoch at the goal,
    `in_a_row` the number of latest epochs at the goal, both by validation accuracy. `counted` says which accuracy
    is judged.
    """

    met: bool | None
    headline: str
    accuracy: bool | None
    goal: str
    reached: str
    rules: tuple[Verdict, ...]
    first: int | None
    in_a_row: int
    counted: str


def verdict_of(run: Run, metrics: Sequence[EpochMetrics], profile: Profile = COURSE) -> RunVerdict:
    """The verdict on a run that is no longer active, by its stored epochs."""
    found = tuple(rules.verdicts(run.architecture, summarize(run.architecture), run.recipe.epochs, profile))
    source, score = datasets.source(run.recipe.dataset), final_score(run, metrics)
    is_judged = run.state is RunState.DONE and run.recipe.dataset == "mnist" and score is not None
    passes = score is not None and reaches(score, profile)
    accuracy = passes if is_judged else None
    met = None if accuracy is None else accuracy and all(verdict.passed for verdict in found)
    at_goal = [row.epoch for row in metrics if row.validation_accuracy >= profile.accuracy]
    is_mnist = run.recipe.dataset == "mnist"
    return RunVerdict(
        met=met,
        headline=_headline(run, score, met, found, profile),
        accuracy=accuracy,
        goal=f"at least {profile.accuracy:.1%} on MNIST",
        reached=_reached(run, metrics, score, source.title),
        rules=found,
        first=at_goal[0] if at_goal and is_mnist else None,
        in_a_row=streak([row.validation_accuracy for row in metrics], profile.accuracy) if is_mnist else 0,
        counted=_counted(run, source.title),
    )


def final_score(run: Run, metrics: Sequence[EpochMetrics]) -> Score | None:
    """The final weights' score on the test set; where they have none, the last epoch's on the validation images."""
    if run.test_errors is not None and run.test_total:
        return Score(run.test_errors, run.test_total)
    return validation_score(metrics[-1].validation_accuracy, run) if metrics else None


def validation_score(accuracy: float, run: Run) -> Score:
    """A validation accuracy as errors out of the images that the run validates on."""
    total = counts(datasets.source(run.recipe.dataset), run.recipe.protocol).validation
    return Score(round((1 - accuracy) * total), total)


def _headline(run: Run, score: Score | None, met: bool | None, found: Sequence[Verdict], profile: Profile) -> str:
    what = "Assignment" if profile is COURSE else f"“{profile.title}”"
    if run.recipe.dataset != "mnist":
        return f"No verdict: the goal is on MNIST, this run was trained on {datasets.source(run.recipe.dataset).title}"
    if run.state is not RunState.DONE:
        done = f"{run.epochs_done} of {epochs(run.recipe.epochs)}"
        return f"No verdict: {_UNFINISHED.get(run.state, str(run.state))} after {done}"
    figures = [f"{score.accuracy:.2%}"] if score else []
    figures += [f"{run.params:,} parameters", epochs(run.recipe.epochs)]
    figures.append("no fully connected layer" if found[-1].passed else found[-1].detail)
    return f"{what} {'met' if met else 'not met'}: {', '.join(figures)}"


def _reached(run: Run, metrics: Sequence[EpochMetrics], score: Score | None, title: str) -> str:
    if score is None:
        return "no epoch was finished"
    where = f"test set of {title}, final weights"
    if run.test_errors is None:
        part = "test set" if run.recipe.protocol == "course" else "held-out images"
        where = f"{part} of {title}, epoch {metrics[-1].epoch}"
    interval = score.interval
    return (
        f"{score.accuracy:.2%}: {score.errors:,} errors in {score.total:,} ({where}); "
        f"95% interval {interval.low:.2%} to {interval.high:.2%}"
    )


def _counted(run: Run, title: str) -> str:
    if run.recipe.protocol == "course":
        return f"Validation used the test set of {title} after every epoch. This figure is that of the last epoch."
    if run.test_errors is None:
        return f"The test set of {title} is used once, at the end: this run has not reached it."
    return f"The test set of {title} was used once, with the final weights: the rule is checked on this figure."


def rules_of(run: Run, profile: Profile) -> list[Verdict]:
    """The four rules, by the run's row alone: parameters, epochs, no fully connected layer, test accuracy.

    `detail` is the run's own figure, as in `75,328 parameters`. A run that is not done does not pass the last rule.
    """
    linear = _linear_layers(run)
    places = ", ".join(map(str, linear))
    return [
        Verdict(f"under {profile.params:,} parameters", run.params < profile.params, f"{run.params:,} parameters"),
        Verdict(f"under {profile.epochs} epochs", run.recipe.epochs < profile.epochs, epochs(run.recipe.epochs)),
        Verdict(
            "no fully connected layer",
            profile.linear_allowed or not linear,
            f"fully connected layer {places}" if linear else "none",
        ),
        _accuracy_rule(run, profile),
    ]


def _linear_layers(run: Run) -> list[int]:
    """The numbers, from 1, of the fully connected layers."""
    if '"linear"' not in run.architecture_json:  # to parse the designs of 10,000 runs takes seconds
        return []
    return [number for number, layer in enumerate(run.architecture.layers, 1) if isinstance(layer, Linear)]


def epochs(count: int) -> str:
    """A number of epochs in words: `1 epoch`, `19 epochs`."""
    return f"{count} epoch" if count == 1 else f"{count} epochs"


def _accuracy_rule(run: Run, profile: Profile) -> Verdict:
    rule = f"at least {profile.accuracy:.1%} on the test set of MNIST"
    if run.recipe.dataset != "mnist":
        return Verdict(rule, False, f"data set {run.recipe.dataset}")
    if run.state is not RunState.DONE or run.test_errors is None or not run.test_total:
        return Verdict(rule, False, f"{run.state} after {run.epochs_done} of {epochs(run.recipe.epochs)}")
    score = Score(run.test_errors, run.test_total)
    return Verdict(rule, reaches(score, profile), f"{score.accuracy:.2%} on the test set")


def reaches(score: Score, profile: Profile) -> bool:
    """True where the score is at least the profile's accuracy: 9,940 of 10,000 are 99.4 %."""
    # The quotient of two integers is the float closest to it; one minus the error rate may not be.
    return (score.total - score.errors) / score.total >= profile.accuracy
