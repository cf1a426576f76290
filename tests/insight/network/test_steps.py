"""Computations in steps: done once whoever advances them, due after their seconds, begun anew after an error."""

import threading
import time

import pytest

from mnistnet.insight.network.steps import Computation, Steps, finish, turn


def counting(done: list[int], total: int = 4, seconds: float = 0.0) -> Steps[int]:
    """Notes each of its steps in `done`; its result is their number."""
    for step in range(total):
        time.sleep(seconds)
        done.append(step)
        yield (step + 1) / total
    return len(done)


def test_finishing_gives_the_result_of_all_steps() -> None:
    assert finish(counting([])) == 4


def test_an_advance_does_one_step_at_least_and_says_how_far_it_is() -> None:
    done: list[int] = []
    computation = Computation(lambda: counting(done))
    computation.advance(0)
    assert (done, computation.share, computation.is_done) == ([0], 0.25, False)


def test_an_advance_ends_once_its_seconds_are_over() -> None:
    done: list[int] = []
    Computation(lambda: counting(done, 1000, 0.01)).advance(0.1)
    assert 1 <= len(done) <= 11


def test_a_computation_that_was_left_goes_on_from_there() -> None:
    done: list[int] = []
    computation = Computation(lambda: counting(done))
    computation.advance(0)
    computation.advance(60)
    assert (computation.result, done, computation.share) == (4, [0, 1, 2, 3], 1)


def test_there_is_no_result_before_the_last_step() -> None:
    computation = Computation(lambda: counting([]))
    computation.advance(0)
    with pytest.raises(RuntimeError, match="advance it until it is done"):
        _ = computation.result


def test_many_threads_do_each_step_once() -> None:
    done: list[int] = []
    computation = Computation(lambda: counting(done, 50, 0.001))

    def drive() -> None:
        while not computation.is_done:
            computation.advance(0)

    threads = [threading.Thread(target=drive) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done == list(range(50))
    assert computation.result == 50


def test_steps_of_different_computations_are_never_done_at_once() -> None:
    inside, most = 0, 0

    def alone() -> Steps[None]:
        nonlocal inside, most
        for _ in range(20):
            inside += 1
            most = max(most, inside)
            time.sleep(0.001)
            inside -= 1
            yield 0.5

    threads = [threading.Thread(target=Computation(alone).advance, args=(60,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


def test_no_step_is_done_while_somebody_has_the_turn() -> None:
    done: list[int] = []
    thread = threading.Thread(target=Computation(lambda: counting(done)).advance, args=(60,))
    with turn():
        thread.start()
        time.sleep(0.05)
        assert done == []
    thread.join()
    assert len(done) == 4


def test_a_computation_is_due_when_its_seconds_are_used_up_until_it_is_allowed_more() -> None:
    computation = Computation(lambda: counting([], 10, 0.01), allowed=0.005)
    assert not computation.is_over_limit
    computation.advance(0)
    assert computation.is_over_limit
    computation.allow(60)
    assert not computation.is_over_limit


def test_a_finished_computation_is_not_due() -> None:
    computation = Computation(lambda: counting([], 1, 0.01), allowed=0.001)
    computation.advance(60)
    assert not computation.is_over_limit


def test_an_error_comes_through_and_the_next_advance_begins_anew() -> None:
    done: list[int] = []

    def failing() -> Steps[int]:
        yield from counting(done, 2)
        if len(done) == 2:
            raise ValueError("once")
        return len(done)

    computation = Computation(failing)
    with pytest.raises(ValueError, match="once"):
        computation.advance(60)
    assert computation.share == 0
    computation.advance(60)
    assert computation.result == 4
