"""How far a search is: trainings in all phases, the time left without pauses, the share of refused proposals."""

import pytest

from mnistnet.search.folder import seeds_of
from mnistnet.search.log import Finished, Line, Proposed, Submitted
from mnistnet.search.reports.progress import progress, trainings
from mnistnet.search.trials import Trials, folded
from tests.support.searches import trained, with_rate

SEARCH = with_rate(finalists=2, finalist_seeds=5)


def trials(lines: list[Line], every: float = 10.0, gap: float = 0.0) -> Trials:
    """The trials of lines whose trainings end every so many seconds, the last after another gap."""
    timed, now = [], 1_000.0
    ends = [line for line in lines if line.event == "ended"]
    for line in lines:
        if line.event == "ended":
            now += every + (gap if line is ends[-1] else 0.0)
        timed.append(line.model_copy(update={"time": now}))
    return folded(Trials(), timed, seeds_of(SEARCH))


def done(count: int) -> list[Line]:
    return [line for number in range(count) for line in trained(number, 0.9)]


def test_trainings_are_those_of_trials_finalists_start_and_winner() -> None:
    assert trainings(SEARCH, 6) == 6 + (2 + 1) * 5 + 1
    assert trainings(with_rate(seeds=3, finalists=0), 6) == 18
    assert trainings(with_rate(finalists=3, finalist_seeds=5), 1) == 1 + (1 + 1) * 5 + 1


def test_time_left_is_that_of_the_trainings_to_come_at_the_speed_of_those_before() -> None:
    found = progress(SEARCH, 6, trials(done(4), every=10))
    assert (found.done, found.wanted, found.trials) == (4, 22, 4)
    assert found.seconds_left == pytest.approx(18 * 10)


def test_a_pause_makes_no_training_slower() -> None:
    found = progress(SEARCH, 6, trials(done(4), every=10, gap=3_600))
    assert found.seconds_left == pytest.approx(18 * 10)


def test_nothing_is_said_of_the_time_before_a_training_has_ended() -> None:
    lines: list[Line] = [
        Proposed(number=0, values={}, params=10, macs=10),
        Submitted(number=0, part=0, seed=1),
    ]
    found = progress(SEARCH, 6, trials(lines))
    assert (found.done, found.seconds_left, found.share) == (0, None, 0.0)


def test_a_search_that_has_ended_is_whole_however_many_finalists_it_had() -> None:
    found = progress(SEARCH, 6, trials([*done(6), Finished(state="done")]))
    assert (found.share, found.seconds_left) == (1.0, 0.0)


def test_refused_proposals_are_a_share_of_all_and_no_trial() -> None:
    refused = Proposed(number=1, values={}, params=9_999, macs=10, why_not="9,999 parameters")
    found = progress(SEARCH, 6, trials([*trained(0, 0.9), refused]))
    assert (found.refused, found.proposed, found.share_refused, found.trials) == (1, 2, 0.5, 1)


def test_an_empty_search_has_no_share() -> None:
    found = progress(SEARCH, 6, Trials())
    assert (found.share, found.share_refused, found.seconds_left) == (0.0, 0.0, None)
