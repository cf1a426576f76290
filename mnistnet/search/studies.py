"""Trials as a study of Optuna: to ask which choices matter, and for other programs to open. Optuna is an extra."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from mnistnet.extras import Extra
from mnistnet.search.choices import Choice, RecipeRange, Repeat, Width
from mnistnet.search.search import Search
from mnistnet.search.trials import Trial, TrialState

if TYPE_CHECKING:
    import optuna

_FEWEST = 10  # trials that say something about the importance of choices


OPTUNA = Extra("search", ("optuna",))


def values_of(trial: Trial, *, has_two: bool) -> list[float]:
    """The objectives of a trial that is done."""
    accuracy = trial.accuracy or 0.0
    return [accuracy, float(trial.params)] if has_two else [accuracy]


def distribution(choice: Choice) -> "optuna.distributions.BaseDistribution":
    from optuna import distributions

    if isinstance(choice, RecipeRange):
        return distributions.FloatDistribution(choice.low, choice.high, log=choice.log)
    if isinstance(choice, Width | Repeat):
        return distributions.IntDistribution(choice.options[0], choice.options[-1], step=choice.step)
    return distributions.CategoricalDistribution(choice.options)


def frozen(
    trial: Trial, spaces: Mapping[str, "optuna.distributions.BaseDistribution"], **fields: Any
) -> "optuna.trial.FrozenTrial":
    """The trial with its values of these spaces, and the fields of a trial of Optuna."""
    import optuna

    return optuna.trial.create_trial(
        params={name: value for name, value in trial.values.items() if name in spaces},
        distributions={name: space for name, space in spaces.items() if name in trial.values},
        **fields,
    )


def importance(search: Search, trials: Mapping[int, Trial]) -> dict[str, float]:
    """How much each choice mattered for a high accuracy, shares that add up to 1 (PED-ANOVA: Watanabe, Bansal, Hutter,
    "PED-ANOVA: Efficiently Quantifying Hyperparameter Importance in Arbitrary Subspaces", 2023), of the trials that are
    done. Empty where there are too few, or all are equal. Raises MissingExtra.
    """
    done = [trial for trial in trials.values() if trial.phase == "search" and trial.accuracy is not None]
    if len(done) < _FEWEST or len({trial.accuracy for trial in done}) == 1 or len(search.space) < 2:
        return {}
    # Of one objective: the evaluator then knows that the highest accuracy is the best.
    study = study_of(search.model_copy(update={"objective": "accuracy"}), done)
    import optuna

    evaluator = optuna.importance.PedAnovaImportanceEvaluator()
    return dict(optuna.importance.get_param_importances(study, evaluator=evaluator))


def study_of(search: Search, trials: list[Trial], storage: Any = None) -> "optuna.Study":
    """The trials as a study of Optuna, in memory or in `storage`, named after the search. Raises MissingExtra."""
    OPTUNA.require("Optuna")
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    has_two = search.objective == "accuracy and parameters"
    study = optuna.create_study(
        storage=storage, study_name=search.name, directions=["maximize", "minimize"] if has_two else ["maximize"]
    )
    spaces = {choice.name: distribution(choice) for choice in search.space}
    states = optuna.trial.TrialState
    ends = {TrialState.DONE: states.COMPLETE, TrialState.PRUNED: states.PRUNED, TrialState.REFUSED: states.PRUNED}
    for trial in trials:
        state = ends.get(trial.state, states.FAIL)
        reports = trial.parts[0].reports if trial.parts else ()
        added = frozen(
            trial,
            spaces,
            state=state,
            values=values_of(trial, has_two=has_two) if state is states.COMPLETE else None,
            intermediate_values={} if has_two else dict(enumerate(reports, start=1)),
            user_attrs={"number": trial.number, "params": trial.params, "macs": trial.macs, "run": trial.run},
            constraints={"budget": search.budget.excess(trial.params, trial.macs)},
        )
        if ended := [part for part in trial.parts if part.ended]:
            added.datetime_start = datetime.fromtimestamp(min((part.ended or 0.0) - part.seconds for part in ended))
            added.datetime_complete = datetime.fromtimestamp(max(part.ended or 0.0 for part in ended))
        study.add_trial(added)
    return study
