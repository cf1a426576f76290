"""The buttons of one search: pause, resume, stop, extend, delete, its trials as a file, its link."""

from collections.abc import Callable

import streamlit as st

from mnistnet.search.reports import rows
from mnistnet.search.reports.now import SearchNow
from mnistnet.search.search import MAX_TRIALS
from mnistnet.ui import auth, session, url
from mnistnet.ui.search import actions, reading

_MORE = "extend-by"
_USUAL_MORE = 20


def buttons(shown: SearchNow) -> None:
    """What may be done in the state of the search."""
    objection = auth.objection(shown.wanted)
    with st.container(horizontal=True):
        if shown.state in ("waiting", "running"):
            _button("Pause", ":material/pause:", actions.pause, shown, objection, "Trainings under way end.")
            _button("Stop", ":material/stop:", actions.stop, shown, objection, "Ends the trainings under way as well.")
        if shown.state == "pausing":
            _button("Stop", ":material/stop:", actions.stop, shown, objection, "Ends the trainings under way as well.")
        if shown.state in ("pausing", "paused", "stopped"):
            _button("Resume", ":material/play_arrow:", actions.resume, shown, objection, "Lets it go on.")
        if shown.state != "failed" and shown.search.space and shown.wanted.trials < MAX_TRIALS:
            _extension(shown, objection)
        st.download_button(
            "CSV of its trials",
            lambda: _csv(shown.id),
            file_name=f"search-{shown.id}.csv",
            mime="text/csv",
            icon=":material/download:",
            key="search-csv",
            on_click="ignore",
        )
        url.copy_link("this search on this dashboard", {session.search: shown.id})
        if not shown.is_moving:
            _deletion(shown, objection)


def _button(
    label: str, icon: str, act: Callable[[str], None], shown: SearchNow, objection: str | None, why: str
) -> None:
    st.button(
        label,
        icon=icon,
        key=f"{label.lower()}-search",
        disabled=objection is not None,
        help=objection or why,
        on_click=act,
        args=(shown.id,),
    )


def _extension(shown: SearchNow, objection: str | None) -> None:
    with st.popover("Extend", icon=":material/add:", key=f"extension-{shown.id}"):
        st.markdown("More trials for the same search. Finalists are chosen anew among all.")
        key = f"{_MORE}-{shown.id}"
        st.number_input("Trials to add", 1, MAX_TRIALS - shown.wanted.trials, _USUAL_MORE, key=key)
        st.button(
            "Add them",
            key="extend-search",
            type="primary",
            disabled=objection is not None,
            help=objection,
            on_click=actions.extend,
            args=(shown.id, key),
        )


def _deletion(shown: SearchNow, objection: str | None) -> None:
    with st.popover("Delete", icon=":material/delete:", key=f"search-deletion-{shown.id}"):
        st.markdown(
            f"Search `{shown.id}`: deletes what was proposed and what became of it. The runs of its trials stay in the "
            "store. This cannot be undone."
        )
        st.button(
            "Delete this search",
            key=f"delete-{shown.id}",
            disabled=objection is not None,
            help=objection,
            on_click=actions.delete,
            args=(shown.id,),
        )


def _csv(search_id: str) -> bytes:
    now = reading.now(search_id)
    return rows.to_csv(now.search, now.trials.by_number.values()).encode()
