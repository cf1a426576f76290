"""Trials as a study of Optuna: to ask which choices matter, and for other programs to open. Optuna is an extra."""

from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from mnistnet.errors import OperationFailed
from mnistnet.search.choices import Choice, RecipeRange, Repeat, Width
from mnistnet.search.search import Search
from mnistnet.search.trials import Trial, TrialState

if TYPE_CHECKING:
    import optuna

_FEWEST = 10  # trials that say something about the importance of choices


class NoOptuna(OperationFailed):
    """The search needs Optuna, which is not installed."""


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


def importance(search: Search, trials: Mapping[int, Trial]) -> dict[str, float]:
    """How much each choice mattered for a high accuracy, shares that add up to 1 (PED-ANOVA: Watanabe, Bansal, Hutter,
    "PED-ANOVA: Efficiently Quantifying Hyperparameter Importance in Arbitrary Subspaces", 2023), of the trials that are
    done. Empty where there are too few, or all are equal. Raises NoOptuna.
    """
    done = [trial for trial in trials.values() if trial.phase == "search" and trial.accuracy is not None]
    if len(done) < _FEWEST or len({trial.accuracy for trial in done}) == 1 or len(search.space) < 2:
        return {}
    if find_spec("optuna") is None:
        raise NoOptuna("importance: Optuna is not installed; `pip install -r requirements-search.txt`")
    # Of one objective: the evaluator then knows that the highest accuracy is the best.
    study = study_of(search.model_copy(update={"objective": "accuracy"}), done)
    import optuna

    evaluator = optuna.importance.PedAnovaImportanceEvaluator()
    return dict(optuna.importance.get_param_importances(study, evaluator=evaluator))


def study_of(search: Search, trials: list[Trial], storage: Any = None) -> "optuna.Study":
    """The trials as a study of Optuna, in memory or in `storage`, named after the search. Raises NoOptuna."""
    if find_spec("optuna") is None:
        raise NoOptuna("an Optuna study: Optuna is not installed; `pip install -r requirements-search.txt`")
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
        study.add_trial(
            optuna.trial.create_trial(
                state=state,
                values=values_of(trial, has_two=has_two) if state is states.COMPLETE else None,
                params={name: value for name, value in trial.values.items() if name in spaces},
                distributions={name: space for name, space in spaces.items() if name in trial.values},
                intermediate_values={} if has_two else dict(enumerate(reports, start=1)),
                user_attrs={"number": trial.number, "params": trial.params, "macs": trial.macs, "run": trial.run},
                constraints={"budget": search.budget.excess(trial.params, trial.macs)},
            )
        )
    return study
