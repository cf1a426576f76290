"""The form for a profile of one's own, and the profile as a file that a teacher can hand out."""

from typing import Any

import streamlit as st

from mnistnet import links
from mnistnet.errors import MnistnetError
from mnistnet.nets.rules import PROFILES, Profile
from mnistnet.nets.rules.profiles import MAX_EPOCHS, MAX_PARAMS, MAX_TITLE, TECHNIQUES, parse, strict_profile
from mnistnet.ui import notifications, session

_FILE = "profile-file"
# Where the accuracy has to be reached: consistency and split. The other pair, once on the test set, is not allowed.
_WHERE = {
    ("final", "test"): "final weights, on the test set",
    ("last", "test"): "final weights, on the test set, and each of the last epochs",
    ("final", "validation"): "last epoch, on the validation images",
    ("last", "validation"): "each of the last epochs, on the validation images",
    ("once", "validation"): "one epoch, on the validation images",
}


def popover(current: Profile) -> None:
    """A popover with the form, filled from the current profile, and its file to save and to open."""
    inside = st.popover("Own rules", icon=":material/tune:", key="own-rules", on_change="rerun")
    if not inside.open:
        return
    with inside:
        # The keys change with the profile: a refused form keeps what was typed, a new profile fills it again.
        _form(current, links.encode_profile(current))
        st.caption("The rules stand in the address: whoever opens the link has them.")
        st.download_button(
            "Save as a profile file",
            current.to_json(),
            file_name=current.file_name,
            mime="application/json",
            on_click="ignore",
            help="For `check --profile FILE` and `summary --profile FILE`, and to hand out.",
        )
        st.file_uploader("Open a profile file", type="json", key=_FILE, on_change=_open)


def _form(current: Profile, suffix: str) -> None:
    def key(field: str) -> str:
        return f"own-{field}-{suffix}"

    is_built_in = current.name in PROFILES
    pair = ("last" if current.last_epochs else current.consistency, current.split)
    with st.form(f"own-form-{suffix}", border=False):
        name, title = st.columns([0.35, 0.65])
        name.text_input("Name", "own" if is_built_in else current.name, max_chars=40, key=key("name"))
        title.text_input("Title", "Own rules" if is_built_in else current.title, max_chars=MAX_TITLE, key=key("title"))
        first, second, third = st.columns(3)
        first.number_input("Parameters, fewer than", 2, MAX_PARAMS, current.params, step=1000, key=key("params"))
        second.number_input("Epochs, fewer than", 2, MAX_EPOCHS, current.epochs, key=key("epochs"))
        third.number_input(
            "Accuracy (%), at least", 0.01, 100.0, 100 * current.accuracy, 0.01, "%.2f", key=key("accuracy")
        )
        st.checkbox("Fully connected layers allowed", current.linear_allowed, key=key("linear_allowed"))
        st.multiselect(
            "Required", list(TECHNIQUES), list(current.techniques), TECHNIQUES.__getitem__, key=key("techniques")
        )
        where, last = st.columns([0.68, 0.32], vertical_alignment="bottom")
        where.selectbox(
            "Accuracy reached by", list(_WHERE), list(_WHERE).index(pair), _WHERE.__getitem__, key=key("where")
        )
        last.number_input("Last epochs", 1, MAX_EPOCHS - 2, current.last_epochs or 5, key=key("last"))
        st.form_submit_button("Use these rules", type="primary", on_click=_use, args=(suffix,))


def _use(suffix: str) -> None:
    def typed(field: str) -> Any:
        return st.session_state[f"own-{field}-{suffix}"]

    consistency, split = typed("where")
    same = ("params", "epochs", "linear_allowed", "techniques", "name", "title")
    fields = {field: typed(field) for field in same} | {
        "accuracy": round(typed("accuracy") / 100, 4),
        "consistency": f"last-{typed('last')}" if consistency == "last" else consistency,
        "split": split,
    }
    try:
        session.profile.set(strict_profile(fields))
    except MnistnetError as error:
        notifications.notify(f"The rules were not changed: {error}")


def _open() -> None:
    file = st.session_state[_FILE]
    if file is None:
        return
    try:
        session.profile.set(parse(file.getvalue()))
    except MnistnetError as error:
        notifications.notify(f"The file was not opened: {error}")
