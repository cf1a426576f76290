"""The hand-ins that are uploaded, and their checks: each computed once, whoever uploads it."""

import hashlib
from collections.abc import Sequence
from io import BytesIO

import streamlit as st

from mnistnet.errors import MnistnetError
from mnistnet.exports.code import model_py
from mnistnet.handins import archive, checking, handin
from mnistnet.handins.archive import NotAHandIn
from mnistnet.handins.checking import Examined
from mnistnet.handins.results import Checked, refused
from mnistnet.insight.network.steps import Steps
from mnistnet.nets.rules import Profile
from mnistnet.ui import computations, session, widgets

MOST_FILES = 200
_FILES = "check-files"


def files() -> list[tuple[str, bytes]]:
    """The uploaded files by name, each with its bytes; several of one name are numbered."""
    uploaded: Sequence[BytesIO] = st.file_uploader(
        "Hand-ins (handin.zip), one or many",
        type=["zip"],
        accept_multiple_files=True,
        max_upload_size=archive.MOST_BYTES // 1024**2,
        key=_FILES,
    )
    if len(uploaded) > MOST_FILES:
        st.warning(f"{len(uploaded)} files: the first {MOST_FILES} are checked; upload the others after them.")
    found: dict[str, bytes] = {}
    for file in uploaded[:MOST_FILES]:
        found[_free(file.name, found)] = file.getvalue()
    return list(found.items())


def _free(name: str, taken: dict[str, bytes]) -> str:
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name} ({number})"
    return free


def checked(given: Sequence[tuple[str, bytes]]) -> list[Checked]:
    """The hand-ins after their checks, in the order of upload, without those that cannot be scored here and now.

    Says why one cannot, once for all of them.
    """
    profile = session.profile.value
    examined: dict[int, Examined] = {}
    unread: dict[int, Checked] = {}
    waiting: list[MnistnetError] = []
    for place, (name, data) in enumerate(given):
        try:
            examined[place] = _examined(name, data, profile, f"Checking hand-in {place + 1} of {len(given)}")
        except NotAHandIn as error:
            unread[place] = refused(name, str(error))
        except MnistnetError as error:
            waiting.append(error)
    if waiting:
        if len(given) > 1:
            st.caption(f"{len(waiting)} of {len(given)} are not checked yet.")
        widgets.problem(waiting[0])
    return checking.in_order(examined, unread)


def _examined(name: str, data: bytes, profile: Profile, doing: str) -> Examined:
    key = ("check", name, hashlib.sha256(data).hexdigest(), profile)
    return computations.result(key, lambda: _steps(name, data, profile), doing)


def _steps(name: str, data: bytes, profile: Profile) -> Steps[Examined]:
    return (yield from checking.examined(handin.from_bytes(data, name), profile, model_py))
