"""The settings of a search of one's own: name, budget, how many trainings of how many epochs, sampler, finalists."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import streamlit as st

from mnistnet.nets.architecture import MAX_NAME, Architecture
from mnistnet.search import search as searches
from mnistnet.search.choices import Choice
from mnistnet.search.ready import EPOCHS
from mnistnet.search.search import (
    MAX_FINALIST_SEEDS,
    MAX_FINALISTS,
    MAX_SEEDS,
    MAX_TRIALS,
    SAMPLERS,
    Objective,
    PrunerName,
    SamplerName,
    Search,
)
from mnistnet.search.studies import OPTUNA
from mnistnet.training.recipe import MAX_EPOCHS, Recipe
from mnistnet.ui import session
from mnistnet.ui.search.new import starting

T = TypeVar("T")

_OBJECTIVES: dict[Objective, str] = {
    "accuracy": "validation accuracy",
    "accuracy and parameters": "accuracy against parameters",
}
_PRUNERS: dict[PrunerName, str] = {"none": "none", "halving": "successive halving"}
_FINALISTS = "The best trials, trained again with new seeds beside the start; 0 leaves this out."
_WITHOUT_OPTUNA = ("random", "grid")
_ABOUT: dict[SamplerName, str] = {
    "tpe": "Learns which values are promising. The usual choice.",
    "cmaes": "Learns how numbers go together; for three and more choices that are all numbers.",
    "nsga2": "Breeds a front of designs: none of them is beaten in both accuracy and parameters.",
    "random": "Draws each value at random, and learns nothing.",
    "grid": "Takes every combination in turn; a range of real numbers becomes five values.",
}


@dataclass(frozen=True)
class Settings:
    """The settings as they stand in the form; `search` checks them."""

    name: str
    params: int
    macs: int | None
    epochs: int
    trials: int
    seeds: int
    finalists: int
    finalist_seeds: int
    objective: Objective
    sampler: SamplerName
    pruner: PrunerName

    def search(self, design: Architecture, recipe: Recipe, space: Sequence[Choice]) -> Search:
        """The search with these settings. Raises SearchError."""
        calm = min(recipe.calm_epochs, self.epochs // 2)
        used = recipe.changed(protocol="holdout", threads=1, epochs=self.epochs, calm_epochs=calm)
        return searches.strict_search(
            {
                "name": self.name.strip() or f"search of {design.name}"[:MAX_NAME],
                "design": design.model_dump(),
                "recipe": used.model_dump(),
                "space": [choice.model_dump() for choice in space],
                "budget": {"params": self.params, "macs": self.macs},
                "objective": self.objective,
                "sampler": self.sampler,
                "pruner": self.pruner,
                "trials": self.trials,
                "seeds": self.seeds,
                "finalists": self.finalists,
                "finalist_seeds": self.finalist_seeds,
            }
        )


def settings(design: Architecture, recipe: Recipe) -> Settings:
    """The controls, in three columns where there is room."""
    first, second, third = st.columns(3, gap="medium")
    with first:
        name = st.text_input(
            "Name of the search",
            max_chars=MAX_NAME,
            placeholder=f"search of {design.name}"[:MAX_NAME],
            key="search-name",
            persist_state="session",
        )
        budget = session.profile.value.params
        params = _number("Budget: fewer parameters than", 1, 10_000_000, budget, f"params-{budget}", 500)
        macs = _number("Fewer multiply-accumulates than (0: any)", 0, 10**12, 0, "macs", 100_000, "For one image.")
        finalists = _number("Finalists", 0, MAX_FINALISTS, 3, "finalists", why=_FINALISTS)
    with second:
        trials = _number("Trials", 1, MAX_TRIALS, 40, "trials", 10, "Refused proposals are not counted.")
        usual = min(recipe.epochs, EPOCHS)
        epochs = _number("Epochs of each training", 1, MAX_EPOCHS, usual, f"epochs-{usual}")
        seeds = _number("Seeds of each trial", 1, MAX_SEEDS, 1, "seeds", why="A trial counts by their mean accuracy.")
        finalist_seeds = _number(
            "Seeds of each finalist", 1, MAX_FINALIST_SEEDS, 5, "finalist-seeds", why="New ones; the start has as many."
        )
    with third:
        objective, sampler, pruner = _strategy()
    return Settings(
        name=str(name or ""),
        params=params,
        macs=macs or None,
        epochs=epochs,
        trials=trials,
        seeds=seeds,
        finalists=finalists,
        finalist_seeds=finalist_seeds,
        objective=objective,
        sampler=sampler,
        pruner=pruner,
    )


def _number(label: str, low: int, high: int, value: int, key: str, step: int = 1, why: str | None = None) -> int:
    return st.number_input(label, low, high, value, step, key=f"search-{key}", help=why, persist_state="session")


def _strategy() -> tuple[Objective, SamplerName, PrunerName]:
    """Only what fits together is offered: two objectives go with NSGA-II alone, and with no pruner."""
    has_optuna = OPTUNA.is_installed
    objectives: list[Objective] = list(_OBJECTIVES) if has_optuna else ["accuracy"]
    objective: Objective = _select("Searched for", objectives, _OBJECTIVES, "search-objective")
    has_two = objective == "accuracy and parameters"
    samplers = [name for name in SAMPLERS if (name == "nsga2") == has_two and (has_optuna or name in _WITHOUT_OPTUNA)]
    sampler: SamplerName = _select("Sampler", samplers, SAMPLERS, f"search-sampler-{has_two}")
    st.caption(_ABOUT[sampler])
    pruners: list[PrunerName] = list(_PRUNERS) if has_optuna and not has_two else ["none"]
    pruner: PrunerName = _select(
        "Ends poor trials early", pruners, _PRUNERS, f"search-pruner-{has_two}", "By their accuracy after an epoch."
    )
    if not has_optuna:
        st.caption(f":material/info: {starting.INSTALL} adds samplers that learn, and early ends.")
    return objective, sampler, pruner


def _select(label: str, options: Sequence[T], titles: Mapping[T, str], key: str, why: str | None = None) -> T:
    return st.selectbox(label, options, format_func=titles.__getitem__, key=key, help=why, persist_state="session")
