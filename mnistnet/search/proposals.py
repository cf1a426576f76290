"""Proposals of a search: the sampler's values as a design and a recipe, counted before anything is trained."""

from mnistnet.errors import MnistnetError
from mnistnet.nets.architecture import Architecture
from mnistnet.nets.summary import summarize
from mnistnet.search import space as spaces
from mnistnet.search.choices import Values
from mnistnet.search.log import Proposed
from mnistnet.search.sampler import Exhausted, Sampler
from mnistnet.search.search import Search
from mnistnet.search.trials import Trials, TrialState
from mnistnet.training.recipe import Recipe

MOST_IN_VAIN = 500  # proposals in a row that cannot be trained; then the space counts as exhausted


class Proposals:
    """The proposals of one search in turn. The first is the start, where the budget allows it."""

    def __init__(self, search: Search, sampler: Sampler) -> None:
        self._search, self._sampler = search, sampler

    def of(self, values: Values) -> tuple[Architecture, Recipe]:
        """The design and recipe of a trial. Raises SpaceError, DesignError."""
        return spaces.proposal(self._search.design, self._search.recipe, self._search.space, values)

    def following(self, trials: Trials) -> Proposed:
        """The next proposal, which may be one that is not to be trained. Raises Exhausted."""
        number = len(trials.by_number)
        if _in_vain(trials) >= MOST_IN_VAIN:
            raise Exhausted
        if number == 0 and self._search.sampler != "grid":
            values = spaces.starting_values(self._search.design, self._search.recipe, self._search.space)
            return self._counted(number, values, {}, trials)
        values, attributes = self._sampler.ask(number)
        return self._counted(number, values, attributes, trials)

    def _counted(self, number: int, values: Values, attributes: dict[str, object], trials: Trials) -> Proposed:
        params, macs, why_not = self._count(values)
        same = next((trial for trial in trials.of_phase("search") if trial.values == values), None)
        if same and not why_not:
            why_not = f"the values of trial {same.number}"
        return Proposed(
            number=number,
            values=dict(values),
            attributes=attributes,
            params=params,
            macs=macs,
            why_not=why_not,
            same_as=same.number if same else None,
        )

    def _count(self, values: Values) -> tuple[int, int, str]:
        """Parameters and multiply-accumulates, and why it cannot be trained; empty where it can."""
        try:
            architecture, _ = self.of(values)
        except MnistnetError as error:
            return 0, 0, str(error)
        summary, budget = summarize(architecture), self._search.budget
        if summary.fault:
            return summary.params, summary.macs, str(summary.fault)
        if budget.excess(summary.params, summary.macs) > 0:
            limit = f"fewer than {budget.params:,} parameters"
            if budget.macs and summary.macs >= budget.macs:
                return summary.params, summary.macs, f"{summary.macs:,} multiply-accumulates, not below {budget.macs:,}"
            return summary.params, summary.macs, f"{summary.params:,} parameters, not {limit}"
        return summary.params, summary.macs, ""


def _in_vain(trials: Trials) -> int:
    """How many proposals in a row, the last ones, could not be trained."""
    count = 0
    for number in sorted(trials.by_number, reverse=True):
        if trials.by_number[number].state not in (TrialState.REFUSED, TrialState.REPEATED):
            break
        count += 1
    return count
