"""Fitting the budget: all layers wider or narrower at once, with a preview; locked layers stay as they are."""

import streamlit as st

from mnistnet.nets.architecture import Architecture
from mnistnet.nets.layer_types import own_width
from mnistnet.nets.rules import parameters_text
from mnistnet.nets.widths import fitted, free_widths
from mnistnet.ui import cache, session
from mnistnet.ui.design.layers import edits, marks
from mnistnet.ui.lessons import held

_PREVIEW = "fit-preview"


def fit_budget() -> None:
    """A button that makes all layers that are not locked wider or narrower, after a preview of their widths."""
    design, budget = session.design.value, session.profile.value.params
    summary = cache.summary(design)
    if not summary.is_whole or held.is_held("width"):
        return
    preview = st.popover(
        "Fit the budget",
        icon=":material/fit_width:",
        type="primary" if summary.params >= budget else "secondary",
        key=_PREVIEW,
        on_change="rerun",
        help=f"Makes all layers wider or narrower, to just under {budget:,} parameters. Shows the widths first.",
    )
    if preview.open:
        with preview:
            _preview(design, _fitted(design, budget), budget)


def _fitted(design: Architecture, budget: int) -> Architecture:
    return fitted(design, budget, marks.locked_places())


def _preview(before: Architecture, after: Architecture, budget: int) -> None:
    old, new = cache.summary(before).params, cache.summary(after).params
    locked = [str(place + 1) for place in marks.locked_places() if place in free_widths(before)]
    if after != before:
        st.markdown(f"**{old:,} → {new:,} parameters**, {parameters_text(budget - 1 - new)} left")
        _widths(before, after)
    elif old < budget:
        st.markdown(f"No layer can have another channel: {parameters_text(budget - 1 - old)} left.")
    else:
        st.markdown("Even with one channel in each layer that is not locked, the design is over the budget.")
    if locked:
        st.caption(f":material/lock: Locked, and kept: layer {', '.join(locked)}.")
    st.caption("To change one layer only, use its “max” button. To keep a layer's width, lock it in its menu.")
    if after != before:
        st.button("Set these widths", type="primary", key="fit", on_click=_fit, args=(budget,))


def _widths(before: Architecture, after: Architecture) -> None:
    """The channels of each free layer, before and after, in two columns."""
    lines = [
        f"layer {place + 1}: {width}" + (f" → **{wider}**" if wider != width else "")
        for place, width in free_widths(before).items()
        if (wider := own_width(after.layers[place]))
    ]
    half = -(-len(lines) // 2)
    for column, part in zip(st.columns(2), (lines[:half], lines[half:]), strict=True):
        column.markdown("  \n".join(part))


def _fit(budget: int) -> None:
    edits.set_widths(_fitted(session.design.value, budget))
    st.session_state[_PREVIEW] = False
