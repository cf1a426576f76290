"""Elements that several pages show in the same way. Controls are in `controls`."""

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from mnistnet.charts.palette import INK
from mnistnet.data import datasets
from mnistnet.errors import MnistnetError
from mnistnet.insight.predictions.evaluation import Score
from mnistnet.insight.predictions.verdict import validation_score
from mnistnet.nets.rules import epochs_text
from mnistnet.runs.files.predictions import SplitName
from mnistnet.runs.run import Run, RunState
from mnistnet.runs.store.run_rows import DamagedRunError
from mnistnet.ui import cache, notifications
from mnistnet.ui.computations import TakesLong

if TYPE_CHECKING:  # a quarter of a second of importing, which the first page, without a chart, does not need
    import altair as alt

    from mnistnet.charts.template import Spec

TITLE = "mnistnet"  # of the browser's tab while no run trains

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~$:&])")
# Text that Streamlit replaces by icons, arrows and links after it has parsed Markdown. A backslash does not prevent
# that; an invisible character within the text does.
_AFTER_MARKDOWN = re.compile(
    r":(?=material|streamlit|//)|www(?=\.)|[-.\w+](?=@)|(?<!\S)[-<>~](?=(?:->|[->=])(?!\S))", re.IGNORECASE
)
_WORD_JOINER = "\u2060"
_DAMAGED_SHOWN = 5

_STATE_LOOKS = {
    RunState.QUEUED: ("gray", ":material/schedule:"),
    RunState.STARTING: ("blue", ":material/hourglass_top:"),
    RunState.RUNNING: ("blue", ":material/play_arrow:"),
    RunState.DONE: ("green", ":material/check:"),
    RunState.STOPPED: ("orange", ":material/stop:"),
    RunState.FAILED: ("red", ":material/error:"),
    RunState.DIVERGED: ("red", ":material/trending_up:"),
    RunState.INTERRUPTED: ("orange", ":material/power_off:"),
}


def plain(text: str) -> str:
    """`text`, escaped so that Markdown shows it as it is: names are untrusted input."""
    return _MARKDOWN.sub(r"\\\1", _AFTER_MARKDOWN.sub(rf"\g<0>{_WORD_JOINER}", text))


def draw(chart: "alt.LayerChart | Spec", key: str, takeaway: str, **options: Any) -> None:
    """A chart with its description, its text in a colour that fits the theme."""
    st.vega_lite_chart(spec=specification(chart, ink()), key=key, alt=takeaway, **options)


def specification(chart: "alt.LayerChart | Spec", text_colour: str) -> "Spec":
    """The chart as Vega-Lite, its text in this colour."""
    from mnistnet.charts import template

    spec = chart if isinstance(chart, dict) else template.specification(chart)
    spec.setdefault("config", {})["text"] = {"color": text_colour}
    return spec


def ink() -> str:
    """The colour of text in charts in the current theme."""
    return INK["dark" if st.context.theme.type == "dark" else "light"]


def duration(seconds: float) -> str:
    """`95 s`, `12 min`, `1 h 40 min`."""
    if seconds < 100:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02} min"


def time_range(low: float, high: float) -> str:
    """`20 to 95 s`, `7 to 60 min`, `50 s to 3 min`."""
    first, last = duration(low), duration(high)
    if first == last:
        return last
    *_, unit = last.split(maxsplit=1)
    return f"{first.removesuffix(f' {unit}')} to {last}"


def epochs_finished(run: Run) -> str:
    """The number of finished epochs, in the same words on every page."""
    return f"{run.epochs_done} of {epochs_text(run.recipe.epochs)} finished"


def state_badge(run: Run) -> None:
    """The run's state as word, icon and colour."""
    colour, icon = _STATE_LOOKS[run.state]
    st.badge("stopping" if run.stop_requested and run.state.is_active else run.state, icon=icon, color=colour)  # type: ignore[arg-type]


def score(label: str, reached: Score, split: str) -> None:
    """An accuracy with what must always stand beside it: the split, the errors out of n, the 95 % interval."""
    st.metric(
        label,
        f"{reached.accuracy:.2%}",
        help=f"Share of right answers on the {split}. The interval is Wilson's, at 95%.",
    )
    st.caption(f"{split}: {reached.errors_text}; {reached.interval_text}")


def split_title(run: Run, split: SplitName) -> str:
    """The name of a split beside an accuracy: data set, and whether it is also the validation set."""
    source = datasets.source(run.recipe.dataset)
    if run.recipe.protocol == "course":
        return f"test set of {source.title}, also used for validation"
    return f"test set of {source.title}" if split == "test" else f"held-out images of {source.title}"


def errors_of(accuracy: float, run: Run) -> Score:
    """A validation accuracy as errors out of the run's validation images."""
    return validation_score(accuracy, run)


def empty(sentence: str, page: str, action: str) -> None:
    """The content of a page with nothing to show: one sentence, and a link to what can be done."""
    with st.container(border=True):
        st.markdown(sentence)
        st.page_link(page, label=action, icon=":material/arrow_forward:")


def place() -> DeltaGenerator:
    """A place for what comes and goes, drawn also when empty.

    The browser knows an element by its number on the page: where one more appeared, all below would be made anew, and
    the control that is in use would lose the focus.
    """
    return st.container()


def work_in_progress(*, with_searches: bool = True) -> None:
    """A link to the run in training, with its progress, and one to each search that trains; nothing where none is."""
    active = [run for run in cache.listed_runs() if run.state.is_active]
    with place():
        if active:
            training = next((run for run in active if run.state is RunState.RUNNING), active[-1])
            others = f"; {len(active) - 1} more queued or running" if len(active) > 1 else ""
            label = f"{training.name}: {training.state}, {epochs_finished(training)}{others}"
            st.page_link("pages/train.py", label=plain(label), icon=":material/model_training:")
        if with_searches:
            for search, count in Counter(run.search for run in cache.snapshot().runs if run.state.is_active).items():
                if search:
                    label = (
                        f"search {plain(search)}: {count} {'training' if count == 1 else 'trainings'} queued or running"
                    )
                    page, address = "pages/search.py", {"search": search}
                    st.page_link(page, label=label, icon=":material/query_stats:", query_params=address)


def messages(refresh_failure: str | None) -> None:
    """The messages of the last action, and what is wrong with the store.

    `refresh_failure` says why states may be out of date; None where they are not.
    """
    for message in notifications.messages():
        st.warning(plain(message), icon=":material/info:")
    for text in notifications.toasts():
        st.toast(plain(text), icon=":material/check:")
    for name in cache.snapshot().set_aside:
        st.warning(
            f"The database of the runs was damaged. A new one was built from the run folders, and the damaged file is "
            f"kept as {plain(name)}. This message goes away when you move that file elsewhere.",
            icon=":material/healing:",
        )
    for name in cache.snapshot().folders_aside:
        st.warning(
            f"The record of a run holds what no run can have, so it could not be taken into the new database. Its "
            f"folder is kept as {plain(name)}; once it is moved elsewhere, this is no longer said.",
            icon=":material/healing:",
        )
    for damaged in cache.snapshot().damaged[:_DAMAGED_SHOWN]:
        st.warning(plain(str(DamagedRunError(damaged))), icon=":material/healing:")
    if problem := cache.snapshot().problem:
        st.error(plain(f"The runs cannot be read: {problem}"), icon=":material/error:")
    elif refresh_failure:
        st.warning(plain(f"The states of runs may be out of date: {refresh_failure}"), icon=":material/warning:")


def run_title(run: Run) -> str:
    """The title of a run in a list: plain text, without anything that changes while the run trains."""
    return f"{run.title} · {run.params:,} parameters · {run.recipe.dataset}, {run.recipe.protocol}"


def problem(error: MnistnetError) -> None:
    """The reason why a result is missing; for a computation that takes long, a button to continue it."""
    if not isinstance(error, TakesLong):
        st.error(plain(str(error)), icon=":material/error:")
        return
    with st.container(border=True):
        st.markdown(f":material/hourglass_top: {plain(str(error))}.")
        st.button("Continue", key=f"continue-{id(error.computation)}", on_click=error.allow_more)


def command(text: str, why: str) -> None:
    """A command line, and what it is for."""
    st.caption(why)
    st.code(text, language="bash")
