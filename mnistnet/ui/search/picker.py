"""The choice of a search on the Search page, or of a new one, and the table of all."""

import pandas as pd
import streamlit as st

from mnistnet.search.reports.now import SearchNow
from mnistnet.search.reports.progress import progress
from mnistnet.ui import auth, controls, session, widgets
from mnistnet.ui.search import actions, reading

_PICK, _TABLE = "pick-search", "searches"
_NONE = "–"


def picker() -> SearchNow | None:
    """The search to look at: the one chosen last, else the newest; None for the form of a new one."""
    searches = reading.searches()
    for search_id, why in searches.damaged.items():
        _damaged(search_id, why)
    by_id = {one.id: one for one in searches.found}
    if not by_id:
        return None
    wanted = session.search.value
    titles = {one.id: f"{one.search.name} · {one.id}" for one in by_id.values()}
    titles[session.NEW_SEARCH] = "New search"
    current = wanted if wanted in titles else next(iter(titles))
    if wanted and wanted not in titles:
        st.caption(f":material/info: Search {widgets.plain(wanted)}: not in this store.")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(
            "Search",
            list(titles),
            index=list(titles).index(current),
            format_func=titles.__getitem__,
            key=controls.control(_PICK, current),
            on_change=_picked,
        )
        st.button(
            "New search",
            icon=":material/add:",
            key="new-search",
            disabled=current == session.NEW_SEARCH,
            on_click=session.search.set,
            args=(session.NEW_SEARCH,),
        )
    if len(by_id) > 1:
        with st.expander(f"All {len(by_id)} searches", icon=":material/list:"):
            _table(list(by_id.values()))
    return by_id.get(current)


def _picked() -> None:
    session.search.set(st.session_state[_PICK])


def _table(searches: list[SearchNow]) -> None:
    rows = [_row(one) for one in searches]
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        key=_TABLE,
        placeholder=_NONE,
        alt=f"{len(rows)} searches with state, trials done and best accuracy",
        on_select=lambda: _row_picked([one.id for one in searches]),
        selection_mode="single-row",
        column_config={
            "best": st.column_config.NumberColumn(
                format="%.2f%%", help="Validation accuracy of the best trial, the mean of its seeds"
            )
        },
    )
    st.caption("Choose a row to open that search.")


def _row(one: SearchNow) -> dict[str, object]:
    best = one.trials.best
    return {
        "search": one.id,
        "name": one.search.name,
        "state": one.state,
        "trials": f"{progress(one.search, one.wanted.trials, one.trials).trials} of {one.wanted.trials}",
        "best": 100 * best.accuracy if best and best.accuracy is not None else None,
        "started by": one.wanted.owner or _NONE,
    }


def _row_picked(ids: list[str]) -> None:
    rows = st.session_state[_TABLE]["selection"]["rows"]
    if rows and rows[0] < len(ids):
        session.search.set(ids[rows[0]])


def _damaged(search_id: str, why: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.warning(widgets.plain(why), icon=":material/healing:")
        who = auth.user()
        if who is None or who.is_administrator:
            st.button("Delete it", key=f"delete-{search_id}", on_click=actions.delete, args=(search_id,))
