"""The importance of choices: of what makes trials good, not of what makes them poor."""

import warnings

import pytest

from mnistnet.search.folder import seeds_of
from mnistnet.search.log import Line
from mnistnet.search.search import Search
from mnistnet.search.studies import importance
from mnistnet.search.trials import Trials, folded
from tests.support.searches import WIDTHS, trained, with_rate


def shares(one: Search, accuracies: dict[tuple[int, int], float]) -> dict[str, float]:
    lines: list[Line] = []
    for number, ((first, second), accuracy) in enumerate(accuracies.items()):
        lines += trained(number, accuracy, values={"width of layer 1": first, "width of layer 3": second})
    trials = folded(Trials(), lines, seeds_of(one))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=UserWarning, message=".*experimental")
        return importance(one, trials.by_number)


@pytest.mark.parametrize("objective", ["accuracy", "accuracy and parameters"])
def test_the_choice_that_decides_which_trials_are_best_is_the_most_important(objective: str) -> None:
    one = with_rate(space=WIDTHS, objective=objective, sampler="nsga2" if "and" in objective else "random")
    # The first width separates the good from the poor; the second, which are the worst of the poor.
    accuracies = {
        (first, second): 0.9 + first / 1_000 if first >= 10 else 0.5 + second / 100 * (first < 10)
        for first in range(4, 13)
        for second in range(4, 13)
    }
    found = shares(one, accuracies)
    assert sum(found.values()) == pytest.approx(1)
    assert found["width of layer 1"] > 0.8


def test_few_or_equal_trials_tell_nothing() -> None:
    assert shares(with_rate(space=WIDTHS), {(4, 4 + number): 0.9 for number in range(9)}) == {}
    assert shares(with_rate(space=WIDTHS), {(4 + number // 9, 4 + number % 9): 0.9 for number in range(20)}) == {}
