"""One run on the Train page as it trains: state, figures, curve. Polls only while the run is active."""

import streamlit as st

from mnistnet.exports.formats import FORMATS
from mnistnet.insight.predictions.evaluation import Score, streak
from mnistnet.runs.run import EpochMetrics, Run, RunState
from mnistnet.ui import announcements, auth, cache, notifications, run_states, session, widgets
from mnistnet.ui.export import downloads, subject
from mnistnet.ui.train import actions, watchers
from mnistnet.ui.train.latest_epoch import latest_epoch
from mnistnet.ui.train.learning_curve import learning_curve, view_pickers
from mnistnet.ui.train.verdict_card import verdict_card

STALLED_SECONDS = 20.0  # a worker reports every two seconds from its first batch on
_PAUSED = "pause-live"


def watch(run: Run) -> None:
    """The run's state and figures, then its curve; redrawn while the run is active, and once more at its end."""
    paused = run.state.is_active and st.session_state.get(_PAUSED, False)
    every = watchers.tick_seconds(run) if run.state.is_active and not paused else None
    if not every:
        announcements.announce()  # else the panel does, at its own ticks
    st.fragment(_panel, run_every=every)(run.id, run.state.is_active, every)
    if run.epochs_done or run.state.is_active:
        _controls(run)
    st.fragment(_progress, run_every=every)(run.id)


def _progress(run_id: str) -> None:
    learning_curve(run_id)
    latest_epoch(run_id)


def _controls(run: Run) -> None:
    """The views of the curves, and whether they are updated. Outside the fragments: an update disturbs no input."""
    if run.state.is_active:
        st.toggle("Pause the display", key=_PAUSED, help="Training goes on. The figures stay as they are.")
    view_pickers()


def _panel(run_id: str, was_active: bool, every: float | None) -> None:
    run_states.refresh()
    if every:
        announcements.look()
    run = cache.chosen(run_id)
    if run is None:
        widgets.empty("This run was deleted.", "pages/design.py", "Design a network")
        return
    if (
        was_active != run.state.is_active
        or notifications.has_messages()
        or (every and every != watchers.tick_seconds(run))
    ):
        st.rerun()  # the page decides again whether and how often to poll, and shows the messages
    _status(run)
    if not run.state.is_active:
        verdict_card(run, cache.metrics(run))
        _hand_in(run)
    _buttons(run)
    _figures(run)


def _hand_in(run: Run) -> None:
    form = FORMATS.get("handin")
    if form and run.epochs_done:
        downloads.button(form, [subject.material(run)], "Download hand-in", primary=True)


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
    if run.provenance:
        st.caption(f":material/add: {widgets.plain(run.provenance)}")
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
        _lately(run)
        return
    figures = _scores(run, rows)
    for column, ((reached, split), names) in zip(st.columns(3), figures.items(), strict=False):
        with column:
            widgets.score(", ".join(names), reached, split)
    _caveats(run, rows)


def _lately(run: Run) -> None:
    """The newest sample of the first epoch, until that has figures of its own."""
    samples = cache.samples(run)
    if samples:
        label = "Latest training batches"
        help_text = "Share of right answers on augmented training images, before the weights were averaged."
        accuracy, loss, _ = st.columns(3)
        accuracy.metric(label, f"{samples[-1].accuracy:.1%}", help=help_text)
        loss.metric("Their loss", f"{samples[-1].loss:.3f}", help="Mean cross-entropy, in nats.")
    if run.state.is_active:
        st.caption("Validation figures appear after the first epoch.")


def _scores(run: Run, rows: list[EpochMetrics]) -> dict[tuple[Score, str], list[str]]:
    """The scores of latest epoch, best epoch and final weights, with their names; equal scores share one entry."""
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
        profile = session.profile.value
        reached = streak([row.validation_accuracy for row in rows], profile.accuracy)
        st.caption(
            f"Latest epochs in a row at {profile.goal} or above: **{reached}**",
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
