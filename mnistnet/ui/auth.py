"""Who may use this dashboard: checked by the server on every script run and on every action.

Where the server listens on this machine only and no `[auth]` is configured, there are no users and everything is
allowed. Otherwise everybody logs in, also on loopback: an `[auth]` there is meant for users who come through a proxy
on this machine. To use the dashboard without a login, remove `[auth]` from the secrets.
"""

import logging
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from mnistnet import login
from mnistnet.cli import serving
from mnistnet.errors import BadInput
from mnistnet.runs.users import Owned, User
from mnistnet.ui import widgets

_REFUSAL = "This dashboard serves no network without a login. Whoever started it finds the reason in its log."
_NOBODY = "The login was accepted but says neither a verified e-mail address nor who issued it to whom."


class NotLoggedIn(BadInput):
    """A login is required here, and nobody is logged in."""


def is_open() -> bool:
    """True where the visitor may see the pages."""
    return not _is_guarded() or bool(_name())


def require() -> None:
    """Continue only for a visitor who may see the pages; others see one sentence or the login, and nothing else."""
    if not _is_guarded():
        return
    if problem := _problem():
        _say_once(problem)
        st.error(_REFUSAL, icon=":material/lock:")
        st.stop()
    if st.user.get("is_logged_in") is not True:
        _log_in()
        st.stop()
    _log_out()
    if not _name():
        st.error(_NOBODY, icon=":material/lock:")
        st.stop()


def user() -> User | None:
    """The user who acts; None where no login is required and everything is allowed.

    Raises NotLoggedIn where a login is required and nobody is logged in: an action must tell the two cases apart.
    """
    if not _is_guarded():
        return None
    if not (name := _name()):
        raise NotLoggedIn("nobody is logged in: only people who are may do this; log in and try again")
    return User(name, name in login.administrators(_secrets() or {}))


def owner() -> str:
    """The name that a run started here gets as its owner; empty without a login. Raises as `user`."""
    who = user()
    return who.name if who else ""


def objection(one: Owned) -> str | None:
    """The reason why the user may not change a run or search, for a button's help; None where they may."""
    try:
        who = user()
    except NotLoggedIn as error:
        return str(error)
    if who is None or who.may_change(one):
        return None
    return f"Started by {widgets.plain(one.owner) or 'someone without a name'}: only they or an administrator may."


def _is_guarded() -> bool:
    secrets = _secrets()
    return secrets is None or "auth" in secrets or not serving.is_loopback(st.get_option("server.address"))


def _secrets() -> Mapping[str, Any] | None:
    """The secrets, empty without a file; None where there is one that cannot be read."""
    if st.secrets.load_if_toml_exists():
        return st.secrets.to_dict()
    return None if any(Path(file).exists() for file in st.get_option("secrets.files")) else {}


def _problem() -> str | None:
    secrets = _secrets()
    if secrets is None:
        return "the secrets cannot be read"
    if st.get_option("server.trustedUserHeaders"):
        return "server.trustedUserHeaders lets browsers say who they are"
    return login.problem(secrets)


def _name() -> str:
    if _problem() or st.user.get("is_logged_in") is not True:
        return ""
    return login.identity(st.user.to_dict())


@cache
def _say_once(problem: str) -> None:
    logging.getLogger(__name__).warning("no page is shown: %s", problem)


def _log_in() -> None:
    st.title("mnistnet", anchor=False)
    st.markdown("Log in to design and train networks here.")
    names = login.providers(_secrets() or {})
    for name in names:
        label = "Log in" if len(names) == 1 else f"Log in with {name}"
        st.button(label, key=f"log-in-{name}", on_click=st.login, args=(None if name == login.DEFAULT else name,))


def _log_out() -> None:
    with st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center", gap="small"):
        st.caption(widgets.plain(_name()), width="content")
        st.button("Log out", key="log-out", on_click=st.logout, type="tertiary")
