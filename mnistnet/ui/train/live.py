"""The Train page's live panel: one run as it trains, and the queue. Polls only while something runs."""

import math
from copy import deepcopy
from typing import Any

import streamlit as st

from mnistnet import gallery
from mnistnet.charts import curves
from mnistnet.insight.predictions import peers
from mnistnet.insight.predictions.evaluation import Score, streak
from mnistnet.insight.predictions.peers import BandPoint, PeerBand
from mnistnet.runs.run import EpochMetrics, Run, RunState
from mnistnet.ui import app, auth, cache, notifications, run_states, session, widgets
from mnistnet.ui.train import actions, watchers
from mnistnet.ui.train.verdict_card import verdict_card

TICK_SECONDS = 2.0
SESSIONS_A_TICK = 20  # that many looks of some 20 ms a core has time for, with room for who does more than look
STALLED_SECONDS = 20.0  # a worker reports every other second from its first batch on
_PAUSED, _VIEW = "pause-live", "curve-view"


def watch(run: Run) -> None:
    """The run's state and figures, then its curve; redrawn while it changes, and once more at its end."""
    paused = run.state.is_active and st.session_state.get(_PAUSED, False)
    every = _tick() if run.state.is_active and not paused else None
    st.fragment(_panel, run_every=every)(run.id, run.state.is_active, every)
    if run.epochs_done or run.state.is_active:
        _controls(run)
    st.fragment(_curve, run_every=every)(run.id)


def _controls(run: Run) -> None:
    """What the panel shows, and whether it is updated. Outside the panel, so that a tick disturbs no input."""
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        st.segmented_control(
            "Curve", curves.VIEWS, default=curves.VIEWS[0], key=_VIEW, required=True, persist_state="session", wrap=True
        )
        if run.state.is_active:
            st.toggle("Pause the display", key=_PAUSED, help="Training goes on. The figures stay as they are.")


def queue(shown: Run) -> None:
    """The other runs that wait or train, kept up to date while there are any."""
    busy = any(run.state.is_active for run in cache.snapshot().runs)
    st.fragment(_queue, run_every=_tick() if busy else None)(shown.id)


def _tick() -> float:
    """Seconds from one look to the next: longer where many watch, so that no one waits for the others' looks."""
    doublings = math.ceil(math.log2(max(1.0, watchers.watching_sessions() / SESSIONS_A_TICK)))
    return float(TICK_SECONDS * 2**doublings)


def _queue(shown_id: str) -> None:
    run_states.refresh()
    if app.is_leaving() or notifications.has_messages():
        st.rerun()
    others = [run for run in cache.snapshot().runs if run.state.is_active and run.id != shown_id]
    if not others:
        return
    st.subheader("Also queued or running", anchor=False)
    for run in reversed(others):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            widgets.state_badge(run)
            st.text(f"{run.id} · {run.name} · {widgets.epochs_finished(run)}")
            st.button("Show", key=f"show-{run.id}", on_click=actions.show, args=(run.id,))
            objection = auth.objection(run)
            st.button(
                "Stop",
                key=f"stop-{run.id}",
                on_click=actions.stop,
                args=(run.id,),
                disabled=run.stop_requested or objection is not None,
                help=objection,
            )


def _panel(run_id: str, was_active: bool, every: float | None) -> None:
    run_states.refresh()
    run = cache.chosen(run_id)
    if run is None:
        widgets.empty("This run was deleted.", "pages/design.py", "Design a network")
        return
    if was_active != run.state.is_active or notifications.has_messages() or (every and every != _tick()):
        st.rerun()  # the page decides anew whether to poll and how often, and has the place for messages
    _status(run)
    if not run.state.is_active:
        verdict_card(run, cache.metrics(run))
    _buttons(run)
    _figures(run)


def _curve(run_id: str) -> None:
    run = cache.chosen(run_id)
    rows = cache.metrics(run) if run else []
    if run and rows:
        view = st.session_state.get(_VIEW) or curves.VIEWS[0]
        target = session.profile.value.accuracy if run.recipe.dataset == "mnist" else None
        band = peers.peer_band(run, list(gallery.entries().values()))
        spec = _spec(run.id, run.attempt, len(rows), target, view, widgets.ink(), run, rows, band.band)
        st.vega_lite_chart(spec=deepcopy(spec), key="curve", alt=curves.takeaway(rows, view))
        _standing(band, rows, view, target)


@st.cache_resource(max_entries=64, show_spinner=False)
def _spec(
    run_id: str,
    attempt: int,
    epochs_done: int,
    target: float | None,
    view: curves.View,
    ink: str,
    _run: Run,
    _rows: list[EpochMetrics],
    _band: list[BandPoint],
) -> dict[str, Any]:
    """The curve as Vega-Lite: 50 ms of work that all sessions share that watch the same epochs."""
    return widgets.specification(curves.curves(_rows, _run.recipe.epochs, target, view, _band), ink)


def _standing(band: PeerBand, rows: list[EpochMetrics], view: str, target: float | None) -> None:
    """The run's place among comparable ones, from the first epoch on: a network that learns badly shows it early.

    A run that reaches the goal is not warned of.
    """
    standing = band.standing(rows)
    if standing is None:
        return
    like = f"{standing.total} gallery runs of {', '.join(band.names)}"
    sentence = f"After epoch {standing.epoch}, {standing.better} of {like} had a higher validation accuracy."
    is_drawn = view in ("accuracy", "error (log)") and len(rows) > 1  # one epoch is a point, and has no band
    shade = " The grey band shows their range." if is_drawn else ""
    reaches_goal = target is not None and rows[-1].validation_accuracy >= target
    if standing.is_far_below and standing.epoch > 1 and not reaches_goal:
        st.warning(f"{sentence}{shade} Check its design and its learning rate.", icon=":material/trending_down:")
    else:
        st.caption(f"{sentence}{shade}")


def _status(run: Run) -> None:
    silence = watchers.seconds_without_progress(run)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        widgets.state_badge(run)
        stage = run.stage if run.state is RunState.RUNNING else _sentence(run)
        st.markdown(widgets.plain(stage), width="content")
        if silence > STALLED_SECONDS:
            st.badge("stalled", icon=":material/hourglass_disabled:", color="orange")
    if silence > STALLED_SECONDS:
        st.caption(
            f"No progress for {widgets.duration(silence)}. Its process still exists: it was paused, or other "
            "programs use the whole machine. It continues by itself."
        )
    if run.message and run.state in (RunState.RUNNING, RunState.DONE):
        st.caption(f":material/healing: {widgets.plain(run.message)}.")
    if run.state.is_active:
        left = f" · about {widgets.duration(run.seconds_left)} left" if run.seconds_left else ""
        speed = f" · {run.images_per_second:,.0f} images/s" if run.images_per_second else ""
        st.progress(run.progress, text=f"{widgets.epochs_finished(run)}{left}{speed}")


def _sentence(run: Run) -> str:
    others = sum(other.state.is_active for other in cache.snapshot().runs) - 1
    return {
        RunState.QUEUED: f"Waiting. Other runs queued or running: {others}.",
        RunState.STARTING: "Starting its process.",
        RunState.DONE: f"All {run.epochs_done} epochs finished." if run.epochs_done > 1 else "1 of 1 epochs finished.",
        RunState.STOPPED: f"Stopped after epoch {run.epochs_done}. You can resume."
        if run.epochs_done
        else "Stopped before the first epoch was finished. Resuming starts again from the beginning.",
        RunState.FAILED: run.message,
        RunState.DIVERGED: run.message,
        RunState.INTERRUPTED: f"Interrupted after epoch {run.epochs_done}: {run.message}. You can resume.",
    }.get(run.state, "")


def _figures(run: Run) -> None:
    rows = cache.metrics(run)
    if not rows:
        if run.state.is_active:
            st.caption("The curves appear after the first epoch.")
        return
    figures = _scores(run, rows)
    for column, ((reached, split), names) in zip(st.columns(3), figures.items(), strict=False):
        with column:
            widgets.score(", ".join(names), reached, split)
    _caveats(run, rows)


def _scores(run: Run, rows: list[EpochMetrics]) -> dict[tuple[Score, str], list[str]]:
    """Latest epoch, best epoch and final weights by their names; those that are equal share one place."""
    validation, top = widgets.split_title(run, "validation"), max(rows, key=lambda row: row.validation_accuracy)
    last = rows[-1]
    named = [(f"Epoch {top.epoch} (best)", widgets.errors_of(top.validation_accuracy, run), validation)]
    if last.epoch != top.epoch:
        latest = widgets.errors_of(last.validation_accuracy, run)
        named.insert(0, (f"Epoch {last.epoch} (latest)", latest, validation))
    else:
        named = [(f"Epoch {last.epoch} (latest and best)", *named[0][1:])]
    if run.test_errors is not None and run.test_total:
        test = widgets.split_title(run, "test")
        named.append(("Final weights", Score(run.test_errors, run.test_total), test))
    found: dict[tuple[Score, str], list[str]] = {}
    for name, reached, split in named:
        found.setdefault((reached, split), []).append(name)
    return found


def _caveats(run: Run, rows: list[EpochMetrics]) -> None:
    if run.recipe.dataset == "mnist" and run.state.is_active:
        target = session.profile.value.accuracy
        reached = streak([row.validation_accuracy for row in rows], target)
        st.caption(
            f"Latest epochs in a row at {target:.1%} or above: **{reached}**",
            help="One good epoch can be chance; several in a row are less likely to be.",
        )
    if run.recipe.protocol == "course":
        st.caption("Best epoch was picked on the test set, so it is slightly optimistic.")


def _buttons(run: Run) -> None:
    objection = auth.objection(run)
    with st.container(horizontal=True):
        if run.state.is_active:
            st.button(
                "Stop",
                icon=":material/stop:",
                key="stop-run",
                disabled=run.stop_requested or objection is not None,
                on_click=actions.stop,
                args=(run.id,),
                help=objection or "Stops after the current batch. Finished epochs are kept.",
            )
        if run.state.is_resumable:
            st.button(
                "Resume",
                icon=":material/play_arrow:",
                key="resume-run",
                disabled=objection is not None,
                on_click=actions.resume,
                args=(run.id,),
                type="primary",
                help=objection,
            )
