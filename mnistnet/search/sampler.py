"""Proposals: Optuna's samplers and its pruner by ask and tell, and two of our own that need no Optuna.

Everything Optuna knows lies in memory and comes from the search's log: a controller that is started again tells it
the trials of before. Each proposal's sampler is seeded by (search seed, number of the trial), so that the same log
gives the same next proposal.
"""

import itertools
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from mnistnet.search.choices import Choice, RecipeRange, Value
from mnistnet.search.search import Search, grid_size
from mnistnet.search.studies import OPTUNA, distribution, frozen, values_of
from mnistnet.search.trials import Trial, TrialState

if TYPE_CHECKING:
    import optuna

GUESSING = 0.1  # the accuracy of one class of ten: what a training that diverged is worth
_STARTUP_TRIALS = 10
_POPULATION = 20
_REDUCTION = 2  # of the trials that reach an epoch, the better half goes on to twice as many


class Exhausted(Exception):  # noqa: N818 - an end, not a fault
    """The space holds no further proposal."""


class Sampler(Protocol):
    """Proposes values and learns what became of them."""

    def ask(self, number: int) -> tuple[dict[str, Value], dict[str, Any]]:
        """Values for the trial `number`, and what the sampler wants to be told again. Raises Exhausted."""

    def tell(self, trial: Trial) -> None:
        """A trial as it is now: its proposal refused, its training reported or ended."""

    def is_hopeless(self, trial: Trial) -> bool:
        """True where the pruner ends the trial after its last report."""


def require_available(search: Search) -> None:
    """MissingExtra where the search needs Optuna and it is not installed."""
    needs = search.space and (search.sampler not in ("random", "grid") or search.pruner != "none")
    if needs:
        what = f"sampler={search.sampler} and pruner={search.pruner} need Optuna"
        OPTUNA.require(what, ", or choose random or grid without a pruner")


def sampler_of(search: Search) -> Sampler:
    """The search's sampler, which knows no trial yet. Raises MissingExtra."""
    require_available(search)
    if search.sampler in ("random", "grid") and search.pruner == "none":
        return _Plain(search)
    return _Optuna(search) if search.space else _Plain(search)


class _Plain:
    """Random values, or every combination of options in turn. Learns nothing."""

    def __init__(self, search: Search) -> None:
        self._search = search

    def ask(self, number: int) -> tuple[dict[str, Value], dict[str, Any]]:
        space = self._search.space
        if self._search.sampler == "grid":
            if number >= grid_size(space):
                raise Exhausted
            chosen = next(itertools.islice(itertools.product(*map(_options, space)), number, None))
            return dict(zip([choice.name for choice in space], chosen, strict=True)), {}
        generator = np.random.default_rng([self._search.seed, number])
        return {choice.name: _drawn(choice, generator) for choice in space}, {}

    def tell(self, trial: Trial) -> None:
        return

    def is_hopeless(self, trial: Trial) -> bool:
        return False


def _options(choice: Choice) -> tuple[Value, ...]:
    return () if isinstance(choice, RecipeRange) else choice.options


def _drawn(choice: Choice, generator: np.random.Generator) -> Value:
    if not isinstance(choice, RecipeRange):
        options = _options(choice)
        return options[int(generator.integers(len(options)))]
    if choice.log:
        return float(np.exp(generator.uniform(np.log(choice.low), np.log(choice.high))))
    return float(generator.uniform(choice.low, choice.high))


class _Optuna:
    """A study in memory. Its trials are added in the order in which they are first told."""

    def __init__(self, search: Search) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._optuna, self._search = optuna, search
        self._has_two = search.objective == "accuracy and parameters"
        self._study = optuna.create_study(
            directions=["maximize", "minimize"] if self._has_two else ["maximize"], pruner=self._pruner()
        )
        self._spaces = {choice.name: distribution(choice) for choice in search.space}
        self._handles: dict[int, optuna.Trial] = {}  # of trials that have not ended
        self._reported: dict[int, int] = {}
        self._hopeless: dict[int, bool] = {}
        self._ended: set[int] = set()

    def _pruner(self) -> "optuna.pruners.BasePruner":
        pruners = self._optuna.pruners
        chosen: optuna.pruners.BasePruner = pruners.NopPruner()
        if self._search.pruner == "halving":
            chosen = pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=_REDUCTION)
        return chosen

    def ask(self, number: int) -> tuple[dict[str, Value], dict[str, Any]]:
        self._study.sampler = self._seeded(number)
        trial = self._study.ask(self._spaces)
        self._handles[number] = trial
        attributes = self._study._storage.get_trial_system_attrs(trial._trial_id)
        return dict(trial.params), dict(attributes)

    def _seeded(self, number: int) -> "optuna.samplers.BaseSampler":
        seed = int(np.random.SeedSequence([self._search.seed, number]).generate_state(1)[0])
        samplers = self._optuna.samplers
        chosen: optuna.samplers.BaseSampler = samplers.RandomSampler(seed=seed)
        if self._search.sampler == "cmaes":
            chosen = samplers.CmaEsSampler(seed=seed, n_startup_trials=1)
        elif self._search.sampler == "nsga2":
            chosen = samplers.NSGAIISampler(seed=seed, population_size=_POPULATION)
        elif self._search.sampler == "tpe":
            chosen = samplers.TPESampler(seed=seed, multivariate=True, n_startup_trials=_STARTUP_TRIALS)
        return chosen

    def tell(self, trial: Trial) -> None:
        if trial.phase != "search" or trial.number in self._ended:
            return
        handle = self._handles.get(trial.number) or self._added(trial)
        first = trial.parts[0].reports if trial.parts else ()
        for epoch in range(self._reported.get(trial.number, 0), len(first)):
            if self._search.pruner != "none":  # asked after every epoch: its answers for others depend on it
                handle.report(first[epoch], epoch + 1)
                self._hopeless[trial.number] = handle.should_prune()
            self._reported[trial.number] = epoch + 1
        if trial.state is not TrialState.RUNNING:
            self._end(trial, handle)

    def _added(self, trial: Trial) -> "optuna.Trial":
        """A trial that an earlier controller asked for, or that no sampler has proposed: the start."""
        running = self._optuna.trial.TrialState.RUNNING
        self._study.add_trial(frozen(trial, self._spaces, state=running, system_attrs=dict(trial.attributes)))
        newest = self._study.get_trials(deepcopy=False)[-1]
        self._handles[trial.number] = self._optuna.Trial(self._study, newest._trial_id)
        return self._handles[trial.number]

    def _end(self, trial: Trial, handle: "optuna.Trial") -> None:
        states = self._optuna.trial.TrialState
        over = self._search.budget.excess(trial.params, trial.macs)
        if self._search.sampler != "cmaes":  # it has no constraints
            handle.set_constraint("budget", over)
        if trial.state is TrialState.DONE and trial.accuracy is not None:
            self._study.tell(handle, values_of(trial, has_two=self._has_two))
        elif any(part.state == "diverged" for part in trial.parts):
            self._study.tell(handle, [GUESSING, float(trial.params)] if self._has_two else [GUESSING])
        elif trial.state is TrialState.REFUSED and self._search.sampler == "cmaes":
            self._study.tell(handle, [-over])  # it learns from values alone: below any accuracy
        elif trial.state is TrialState.PRUNED or (trial.state is TrialState.REFUSED and not self._has_two):
            self._study.tell(handle, state=states.PRUNED)
        else:
            self._study.tell(handle, state=states.FAIL)
        self._ended.add(trial.number)
        self._handles.pop(trial.number)

    def is_hopeless(self, trial: Trial) -> bool:
        return self._hopeless.get(trial.number, False)
