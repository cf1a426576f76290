"""Keeps the session's parameters and the address bar equal: a refresh, a link or the browser's Back restores them.

The address is read where the browser changed it, which is when a page is opened or the browser goes back; after any
other run of the script it is written.
"""

import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import streamlit as st

from mnistnet.errors import MnistnetError
from mnistnet.lessons import codec
from mnistnet.ui import notifications, session
from mnistnet.ui.session import PARAMETERS, Parameter

_SAFE = "~,/"  # beside letters, digits and `_.-`: they mean nothing in the query of an address
_WRITTEN = "_address"  # the parameters as this session wrote them last
_GIVEN = "_given"
# With every click the browser sends the address that it shows. The address that follows from a change reaches it at
# the end of that run, so a second click shortly after the first still comes with the address from before the first,
# and reading that address would undo the first change. For this long after a change no address is read.
_STALE_SECONDS = 0.7
_OF_LESSON = (session.begun, session.looks)


def synchronize() -> None:
    """Read or write the address; once at the top of every full script run."""
    is_first = _WRITTEN not in st.session_state
    names_design = session.design.name in st.query_params
    for parameter in PARAMETERS:
        begins_with = parameter.first if parameter.first is not None and not names_design else parameter.default
        st.session_state.setdefault(parameter.key, begins_with)
    seconds = time.monotonic() - st.session_state.get(session.CHANGED, 0.0)
    is_stale = not is_first and seconds <= _STALE_SECONDS
    if not is_stale:
        _read()
    _write(again=is_stale)


def is_given() -> bool:
    """True where an address of this session named a design or a recipe."""
    return _GIVEN in st.session_state


def copy_link(opens: str, values: Mapping[Parameter[Any], Any]) -> None:
    """A button that shows the full address of this page with these values. `opens`: what the link opens.

    Each value is written out, also where it is a default: the link means the same after defaults change.
    """
    texts = {parameter.name: parameter.encode(value) for parameter, value in values.items()}
    here = st.context.url or ""
    page = here if urlsplit(here).path else f"{here}/"
    with st.popover("Copy link", icon=":material/link:", key="copy-link"):
        st.caption(f"Opens {opens}, and starts nothing. Point at the address: a button appears that copies it.")
        st.code(f"{page}?{urlencode(texts, safe=_SAFE, quote_via=quote)}", None, wrap_lines=True)


def _read() -> None:
    written = st.session_state.get(_WRITTEN, {})
    begins = _begins_lesson(st.query_params.get(session.lesson.name), written.get(session.lesson.name))
    # A switch to another page empties the address. One that we wrote always has the design, and no defaults.
    is_ours = session.design.name in st.query_params
    for parameter in PARAMETERS:
        text = st.query_params.get(parameter.name)
        if text == written.get(parameter.name) or parameter is session.lesson:
            continue
        if parameter in _OF_LESSON and not begins:  # they are the running lesson's, whatever the address says
            continue
        if text is not None:
            _take(parameter, text)
        elif is_ours and parameter not in _OF_LESSON and not session.objection(parameter, parameter.default):
            st.session_state[parameter.key] = parameter.default


def _begins_lesson(text: str | None, written: str | None) -> bool:
    """Begin the lesson of the address; False where it names none, or one runs already, which only a button leaves."""
    if text is None or text == written:
        return False
    if session.lesson.value:
        notifications.notify("The lesson in the address was left out: leave the running lesson first.")
        return False
    try:
        session.begin(codec.decode_lesson(text))
    except MnistnetError as error:
        _left_out(error)
        return False
    st.session_state[_GIVEN] = True
    return True


def _take(parameter: Parameter[Any], text: str) -> None:
    if parameter is session.design or parameter is session.recipe:
        st.session_state[_GIVEN] = True
    try:
        value = parameter.decode(text)
    except MnistnetError as error:
        _left_out(error)
        return
    if why := session.objection(parameter, value):
        notifications.notify(f"A part of the address was left out: {why}.")
        return
    st.session_state[parameter.key] = value
    if parameter is session.design:
        st.session_state.pop(session.LAYER_IDS, None)


def _left_out(error: MnistnetError) -> None:
    notifications.notify(f"The address was only partly understood, and that part was left out: {error}")


def _write(*, again: bool) -> None:
    """Write the address where it differs; `again`: also where the one that the browser sent is equal by chance."""
    written = {}
    for parameter in PARAMETERS:
        value = parameter.value
        if value is not None and (value != parameter.default or parameter is session.design):
            written[parameter.name] = parameter.encode(value)
    # A stale address may equal the new one while the browser is about to show the one written between them.
    if st.query_params.to_dict() != written or (again and st.session_state[_WRITTEN] != written):
        st.query_params.from_dict(written)
    st.session_state[_WRITTEN] = written
