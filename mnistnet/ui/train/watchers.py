"""Sessions that watch runs: how many there are, how often they update, how long they have seen no progress."""

import math
import secrets
import time

import streamlit as st

from mnistnet.runs.run import Run
from mnistnet.runs.store.store import default_root

TICK_SECONDS = 2.0
FIRST_TICK_SECONDS = 0.3  # of a run whose first epoch is not finished, while few sessions watch
_FEW_SESSIONS = 4
SESSIONS_A_TICK = 20  # a core has time for so many reruns of about 20 ms, and for sessions that do more
_RUNS_KEPT = 1000
_SESSION, _SESSION_SECONDS = "_watcher", 30.0


def tick_seconds(run: Run | None = None) -> float:
    """Seconds between two updates: longer where many sessions watch, so that none waits for the others.

    Shorter while few watch a `run` without a finished epoch.
    """
    sessions = watching_sessions()
    if run and not run.epochs_done and sessions <= _FEW_SESSIONS:
        return FIRST_TICK_SECONDS
    doublings = math.ceil(math.log2(max(1.0, sessions / SESSIONS_A_TICK)))
    return float(TICK_SECONDS * 2**doublings)


def seconds_without_progress(run: Run) -> float:
    """Seconds since a run in training last made progress, by a monotonic clock; 0 for any other run."""
    if not run.is_training or run.stage != "training":
        return 0.0
    seen_before, now = _progress(str(default_root())), time.monotonic()
    if len(seen_before) > _RUNS_KEPT:
        seen_before.clear()
    progress = (run.attempt, run.epochs_done, run.step)
    before, since = seen_before.get(run.id, (None, now))
    if before != progress:
        since = now
    seen_before[run.id] = (progress, since)
    return now - since


@st.cache_resource(max_entries=8, show_spinner=False)
def _progress(root: str) -> dict[str, tuple[tuple[int, int, int], float]]:
    return {}


def watching_sessions() -> int:
    """The number of sessions that watched runs within the last 30 seconds; counts this one from now on."""
    seen, now = _sessions(str(default_root())), time.monotonic()
    seen[st.session_state.setdefault(_SESSION, secrets.token_hex(8))] = now
    for session, when in list(seen.items()):
        if now - when > _SESSION_SECONDS:
            seen.pop(session, None)
    return len(seen)


@st.cache_resource(max_entries=8, show_spinner=False)
def _sessions(root: str) -> dict[str, float]:
    return {}
