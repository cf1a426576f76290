"""Checks of what was trained and looked at in a lesson: each a frozen value, its task in words, and its outcome."""

from collections.abc import Callable, Hashable, Iterable
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

from pydantic import Field

from mnistnet.lessons.design_checks import Settings
from mnistnet.lessons.work import Outcome, Work
from mnistnet.nets.architecture import Architecture, Step
from mnistnet.nets.layer_types import TITLES as LAYER_TITLES
from mnistnet.nets.layer_types import has_rate
from mnistnet.runs.run import Run, RunState
from mnistnet.training.recipe import TITLES as RECIPE_TITLES
from mnistnet.training.recipe import value_text

Compared: TypeAlias = Literal[
    "learning_rate", "batch_size", "optimizer", "schedule", "epochs", "seed", "momentum", "weight_decay"
]
Question: TypeAlias = Literal["any", "why", "layers", "pixels", "alike"]
# The explanations of a digit, by their titles on the Mistakes page.
QUESTION_TITLES: dict[Question, str] = {
    "any": "any explanation",
    "why": "“Why”",
    "layers": "“Feature maps”",
    "pixels": "“Saliency”",
    "alike": "“Similar training digits”",
}


class Finished(Settings):
    """A run that is done, with a validation accuracy of at least so much after its last epoch."""

    label: ClassVar[str] = "A finished run with an accuracy"
    check: Literal["run"] = "run"
    accuracy: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 0.5

    @property
    def task(self) -> str:
        """The task in words."""
        return f"Train to the end with a validation accuracy of at least {_percent(self.accuracy)}"

    def outcome(self, work: Work) -> Outcome:
        """Done where one run reached it."""
        reached = [run.validation_accuracy or 0.0 for run in work.runs if run.state is RunState.DONE]
        if not reached:
            return Outcome(False, "no finished run yet")
        return Outcome(max(reached) >= self.accuracy, f"best {_percent(max(reached))}")


class Compare(Settings):
    """Ended runs of one design that differ in one field of the recipe and in nothing else."""

    label: ClassVar[str] = "Runs that differ in one setting of the recipe"
    check: Literal["compare"] = "compare"
    field: Compared = "learning_rate"
    runs: Annotated[int, Field(ge=2, le=10)] = 2

    @property
    def task(self) -> str:
        """The task in words."""
        return f"Train {self.runs} runs that differ in the {RECIPE_TITLES[self.field]} and in nothing else"

    def outcome(self, work: Work) -> Outcome:
        """Done where there are so many values among comparable runs."""

        def others(run: Run) -> Hashable:
            return run.architecture.layers, run.recipe.model_copy(update={self.field: None})

        tried = [{getattr(run.recipe, self.field) for run in group} for group in _grouped(work.ended, others)]
        values = max(tried, key=len, default=set())
        figure = ", ".join(value_text(value) for value in sorted(values)) or "none yet"
        return Outcome(len(values) >= self.runs, f"{min(len(values), self.runs)} of {self.runs}: {figure}")


class Ablation(Settings):
    """Two ended runs, with and without one step, equal in all else."""

    label: ClassVar[str] = "Runs with and without batch norm, ReLU or dropout"
    check: Literal["ablation"] = "ablation"
    step: Step = "batchnorm"

    @property
    def task(self) -> str:
        """The task in words."""
        return f"Train with and without {LAYER_TITLES[self.step]}, all else equal"

    def outcome(self, work: Work) -> Outcome:
        """Done where both are there."""
        found: set[bool] = set()
        for group in _grouped(work.ended, lambda run: (_without(run.architecture, self.step), run.recipe)):
            found = max(found, {self._uses(run) for run in group}, key=len)
        said = {True: f"with {LAYER_TITLES[self.step]}", False: f"without {LAYER_TITLES[self.step]}"}
        return Outcome(len(found) == 2, " and ".join(said[one] for one in sorted(found, reverse=True)) or "no run yet")

    def _uses(self, run: Run) -> bool:
        return any(self.step in layer.steps for layer in run.architecture.layers)


class Mistakes(Settings):
    """Wrong digits that were opened on the Mistakes page, with an explanation."""

    label: ClassVar[str] = "Mistakes looked at"
    check: Literal["mistakes"] = "mistakes"
    digits: Annotated[int, Field(ge=1, le=10)] = 3
    question: Question = "any"

    @property
    def task(self) -> str:
        """The task in words."""
        digits = "1 wrong digit" if self.digits == 1 else f"{self.digits} wrong digits"
        return f"On the Mistakes page, open {digits} with {QUESTION_TITLES[self.question]}"

    def outcome(self, work: Work) -> Outcome:
        """Done where so many different ones were opened."""
        wanted = {(look.run, look.split, look.index) for look in work.looks if self.question in ("any", look.question)}
        return Outcome(len(wanted) >= self.digits, f"{min(len(wanted), self.digits)} of {self.digits}")


def _grouped(runs: Iterable[Run], key: Callable[[Run], Hashable]) -> list[list[Run]]:
    groups: dict[Hashable, list[Run]] = {}
    for run in runs:
        groups.setdefault(key(run), []).append(run)
    return list(groups.values())


def _without(design: Architecture, step: Step) -> tuple[Any, ...]:
    """The layers of the design without this step; a rate that no step uses any more does not count."""
    layers = []
    for layer in design.layers:
        fields = layer.model_dump()
        if "after" in fields:
            fields["after"] = tuple(one for one in layer.steps if one != step)
            fields["dropout"] = fields["dropout"] if has_rate(fields["after"]) else 0.0
        layers.append(tuple(fields.items()))
    return tuple(layers)


def _percent(accuracy: float) -> str:
    return f"{100 * accuracy:.2f}".rstrip("0").rstrip(".") + "%"
