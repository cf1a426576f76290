"""A design from a printout of torchinfo or torchsummary that is pasted in."""

import streamlit as st

from mnistnet.errors import MnistnetError
from mnistnet.nets.printouts import reading
from mnistnet.nets.printouts.table import MAX_CHARACTERS
from mnistnet.ui import notifications, session
from mnistnet.ui.design import names

_TEXT = "printout"


def printout_reader() -> None:
    """The field for a printout, and the button that makes it the current design."""
    st.text_area(
        "Paste a printout of torchinfo or torchsummary",
        key=_TEXT,
        height=140,
        max_chars=MAX_CHARACTERS,
        placeholder="            Conv2d-1            [-1, 8, 28, 28]              72\n",
    )
    st.button("Read the printout", icon=":material/content_paste_go:", on_click=_read)


def _read() -> None:
    text = st.session_state[_TEXT]
    try:
        found = reading.read(text, names.own_name("printed"))
    except MnistnetError as error:
        notifications.notify(f"The printout was not read: {error}")
        return
    for note in found.notes:
        notifications.notify(f"Read from the printout: {note}.")
    session.design.set(names.own(found.architecture))
    notifications.toast(f"{len(found.architecture.layers)} layers were read from the printout.")
