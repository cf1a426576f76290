"""Many sessions watch one run: real websockets to a real dashboard, at work and at rest."""

import asyncio
import statistics
import sys
import time
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest
import streamlit as st

from mnistnet.nets.presets import FIRST
from mnistnet.runs.run import Run, RunState
from mnistnet.runs.store.store import Store
from mnistnet.runs.worker import supervisor
from mnistnet.training.recipe import recipe
from mnistnet.ui.train import watchers
from tests.browser.conftest import Dashboard
from tests.support.processes import until
from tests.support.sessions import Session, watching

TICK_BYTES = 50_000
LONG = recipe({"dataset": "digits", "epochs": 100, "batch_size": 8, "threads": 1})


@pytest.fixture
def board(store: Store, tmp_path: Path) -> Iterator[Dashboard]:
    board = Dashboard(store.root, tmp_path / "dashboard.log")
    yield board
    board.kill()
    assert "Traceback" not in board.log.read_text()


@pytest.fixture
def run(store: Store) -> Run:
    """A run that really trains, for a while yet, with an epoch to show."""
    run = supervisor.submit(store, FIRST.architecture, LONG)
    until(lambda: store.run(run.id).epochs_done >= 1)
    return run


def cores(process: psutil.Process, seconds: float, began: float) -> float:
    """How much of one core a process used."""
    return float((busy(process) - began) / seconds)


def busy(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


async def seen(
    board: Dashboard, store: Store, run: Run, count: int, at_work: float, at_rest: float
) -> dict[str, float]:
    """What `count` sessions met while the run trained and after it was stopped."""
    process = psutil.Process(board.process.pid)
    async with watching(board.url, count, run.id) as sessions:
        # While sessions still arrive, those that are there begin anew with longer ticks.
        deadline = time.monotonic() + 60
        while not all(session.timers for session in sessions):
            assert time.monotonic() < deadline, "a running run is watched"
            await asyncio.sleep(0.1)
        for session in sessions:
            session.seconds.clear()
        began = busy(process)
        await asyncio.sleep(at_work)
        working = cores(process, at_work, began)
        figures = tick_figures(sessions) | {"cores at work": working}
        say(count, figures)
        assert store.run(run.id).state is RunState.RUNNING, "it trained all the while"
        await asyncio.to_thread(stop, store, run)
        deadline = time.monotonic() + 60
        while any(session.timers or session.asked for session in sessions):
            left = [(list(session.timers), session.asked) for session in sessions]
            assert time.monotonic() < deadline, f"some sessions still poll, though nothing runs: {left}"
            await asyncio.sleep(0.1)
        await asyncio.sleep(1)
        before, began = [session.received for session in sessions], busy(process)
        await asyncio.sleep(at_rest)
        resting = {"cores at rest": cores(process, at_rest, began)}
        say(count, resting)
        assert [session.received for session in sessions] == before, "something was sent, though nothing runs"
        assert [error for session in sessions for error in session.errors] == []
    return figures | resting


def alone(work: Coroutine[Any, Any, dict[str, float]]) -> dict[str, float]:
    """Run to its end in a thread of its own: the browser tests' Playwright keeps a loop running in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


def say(count: int, figures: dict[str, float]) -> None:
    """The figures as they come: `pytest -s` shows them, and so does a failure."""
    sys.stderr.write("".join(f"\n{count} sessions: {name}: {figure:,.3f}" for name, figure in figures.items()))


def stop(store: Store, run: Run) -> None:
    store.request_stop(run.id)
    until(lambda: store.run(run.id).state is RunState.STOPPED)


def tick_figures(sessions: list[Session]) -> dict[str, float]:
    times = sorted(seconds for session in sessions for seconds in session.seconds)
    sizes = [size for session in sessions for size in session.tick_bytes]
    assert min(len(session.seconds) for session in sessions) > 0, "each session was answered"
    return {
        "reruns": len(times),
        "median rerun, s": statistics.median(times),
        "p95 rerun, s": times[round(0.95 * (len(times) - 1))],
        "largest tick, bytes": max(sizes),
    }


@pytest.mark.alone
@pytest.mark.bar("F13", "L7")
def test_five_sessions_watch_without_errors_and_poll_only_while_something_runs(
    board: Dashboard, store: Store, run: Run
) -> None:
    figures = alone(seen(board, store, run, 5, at_work=6, at_rest=4))
    assert figures["largest tick, bytes"] < TICK_BYTES
    assert figures["cores at rest"] < 0.5


@pytest.mark.alone
@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.bar("F13", "L7")
def test_fifty_sessions_watch_without_errors_and_without_waiting(board: Dashboard, store: Store, run: Run) -> None:
    figures = alone(seen(board, store, run, 50, at_work=30, at_rest=20))
    assert figures["p95 rerun, s"] < 1
    assert figures["cores at rest"] <= 0.5
    assert figures["largest tick, bytes"] < TICK_BYTES


def test_the_more_sessions_watch_the_longer_is_a_tick(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    watchers._sessions.clear()
    ticks = {}
    for count in range(1, 51):
        monkeypatch.setattr(st, "session_state", {})  # another session
        ticks[count] = watchers.tick_seconds()
    assert ticks == {count: 2.0 if count <= 20 else 4.0 if count <= 40 else 8.0 for count in ticks}
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 60)  # they are gone
    assert watchers.tick_seconds() == 2.0
    watchers._sessions.clear()
