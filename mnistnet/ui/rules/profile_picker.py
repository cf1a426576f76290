"""The choice of a profile: the built-in ones, and the last own one."""

import streamlit as st

from mnistnet.lessons.controls import RULES
from mnistnet.nets.rules import PROFILES, Profile
from mnistnet.ui import controls, session
from mnistnet.ui.lessons import held

_PROFILE, _OWN = "design-profile", "_own_profile"


def profile_picker() -> None:
    """A list of profiles."""
    current = session.profile.value
    profiles = _offered(current)
    st.selectbox(
        "Rules",
        list(profiles),
        index=list(profiles).index(current.name),
        format_func=lambda name: f"{name} · {profiles[name].title}",
        key=controls.control(_PROFILE, current.name),
        on_change=lambda: session.profile.set(profiles[st.session_state[_PROFILE]]),
        **held.options(RULES),
    )


def _offered(current: Profile) -> dict[str, Profile]:
    """The built-in profiles, and the last one of the session that is not built in."""
    if current.name not in PROFILES:
        st.session_state[_OWN] = current
    own = st.session_state.get(_OWN)
    return PROFILES | ({own.name: own} if own else {})
