"""Small pieces that several pages show alike."""

import re
from collections.abc import Iterable
from typing import Any

import altair as alt
import streamlit as st

from mnistnet.charts.palette import INK
from mnistnet.insight.evaluation import Score
from mnistnet.nets.rules import Verdict
from mnistnet.runs.run import Run, State
from mnistnet.ui import readers, state

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~$:&])")

_STATE_LOOKS = {
    State.QUEUED: ("gray", ":material/schedule:"),
    State.STARTING: ("blue", ":material/hourglass_top:"),
    State.RUNNING: ("blue", ":material/play_arrow:"),
    State.DONE: ("green", ":material/check:"),
    State.STOPPED: ("orange", ":material/stop:"),
    State.FAILED: ("red", ":material/error:"),
    State.DIVERGED: ("red", ":material/trending_up:"),
    State.INTERRUPTED: ("orange", ":material/power_off:"),
}


def plain(text: str) -> str:
    """`text` so that Markdown shows it letter by letter: names come from strangers."""
    return _MARKDOWN.sub(r"\\\1", text)


def draw(chart: alt.LayerChart, key: str, takeaway: str, **options: Any) -> None:
    """A chart with its description, its text in the ink of the theme at hand."""
    ink = INK["dark" if st.context.theme.type == "dark" else "light"]
    st.altair_chart(chart.configure_text(color=ink), key=key, alt=takeaway, **options)


def duration(seconds: float) -> str:
    """`95 s`, `12 min`, `1 h 40 min`."""
    if seconds < 100:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02} min"


def state_badge(run: Run) -> None:
    """The run's state as word, icon and colour."""
    colour, icon = _STATE_LOOKS[run.state]
    st.badge("stopping" if run.stop_requested and run.state.is_active else run.state, icon=icon, color=colour)  # type: ignore[arg-type]


def verdicts(items: Iterable[Verdict]) -> None:
    """Rules with their outcome in words, icon and colour."""
    lines = [
        f":green-badge[:material/check: pass] {verdict.rule}"
        if verdict.passed
        else f":red-badge[:material/close: fail] **{verdict.rule}**: {verdict.detail}"
        for verdict in items
    ]
    st.markdown("  \n".join(lines))


def score(label: str, score: Score, split: str) -> None:
    """An accuracy as it may be shown: with its split, its errors out of n and its 95 % interval."""
    interval = score.interval
    st.metric(
        label,
        f"{score.accuracy:.2%}",
        help=f"Share of right answers on the {split}. The interval is Wilson's, at 95%.",
    )
    st.caption(
        f"{split}: {score.errors:,} errors in {score.total:,}; 95% interval {interval.low:.2%} to {interval.high:.2%}"
    )


def empty(sentence: str, page: str, action: str) -> None:
    """A page with nothing to show: one sentence, one thing to do."""
    with st.container(border=True):
        st.markdown(sentence)
        st.page_link(page, label=action, icon=":material/arrow_forward:")


def work_in_progress() -> None:
    """On every page: that something is being trained, and the way to it."""
    active = [run for run in readers.snapshot().runs if run.state.is_active]
    if active:
        training = next((run for run in active if run.state is State.RUNNING), active[-1])
        others = f", {len(active) - 1} more" if len(active) > 1 else ""
        label = f"{training.name}: {training.state}, epoch {training.epochs_done} of {training.recipe.epochs}{others}"
        st.page_link("pages/train.py", label=plain(label), icon=":material/model_training:")


def messages() -> None:
    """What the last action had to say."""
    for message in state.messages():
        st.warning(plain(message), icon=":material/info:")
    problem = readers.snapshot().problem
    if problem:
        st.error(plain(f"The runs cannot be read: {problem}"), icon=":material/error:")


def run_title(run: Run) -> str:
    """How a run is called in a list: plain text."""
    accuracy = f" · {run.validation_accuracy:.2%}" if run.validation_accuracy is not None else ""
    return f"{run.id} · {run.name} · {run.state}{accuracy}"


def run_picker(runs: list[Run]) -> Run | None:
    """Which run to look at; the one chosen last where it is among `runs`, else the newest."""
    if not runs:
        return None
    titles = {run.id: run_title(run) for run in runs}
    current = state.run_id() if state.run_id() in titles else runs[0].id
    key = state.control("pick-run", current)
    st.selectbox("Run", list(titles), format_func=titles.get, key=key, on_change=_pick)  # type: ignore[arg-type]
    return next(run for run in runs if run.id == current)


def _pick() -> None:
    state.choose_run(st.session_state["pick-run"])


def command(text: str, why: str) -> None:
    """The command line that does the same."""
    st.caption(why)
    st.code(text, language="bash")
