"""The answers of a review as cards, group by group."""

import streamlit as st

from mnistnet.review import Answer, Concern, review
from mnistnet.review.answers import GROUPS
from mnistnet.training.range_test import RateRange
from mnistnet.ui import widgets
from mnistnet.ui.review import subject
from mnistnet.ui.review.subject import Reviewed

_LOOKS = {
    Concern.FINE: ":green-badge[:material/check: fine]",
    Concern.LOOK: ":orange-badge[:material/visibility: look at this]",
    Concern.UNKNOWN: ":gray-badge[:material/help: cannot be known without a run]",
}


def answers(reviewed: Reviewed, found_range: RateRange | None) -> None:
    """All answers about the design or run, two cards side by side where there is room."""
    found = review(reviewed.architecture, reviewed.recipe, reviewed.run, reviewed.metrics, found_range)
    counts = {concern: sum(answer.concern is concern for answer in found) for concern in Concern}
    looks = [f"{count} {concern}" for concern, count in counts.items() if count]
    st.caption(f"{len(found)} questions: {', '.join(looks)}. Each figure is computed from this design and run.")
    if marked := [answer.title for answer in found if answer.concern is Concern.LOOK]:
        st.markdown(f":material/visibility: {' · '.join(map(widgets.plain, marked))}")
    for group in GROUPS:
        of_group = [answer for answer in found if answer.group == group]
        if not of_group:
            continue
        st.header(group, anchor=False)
        for row in range(0, len(of_group), 2):
            for column, answer in zip(st.columns(2), of_group[row : row + 2], strict=False):
                with column, st.container(border=True, height="stretch", gap="xsmall", key=f"answer-{answer.name}"):
                    _card(answer, reviewed)


def _card(answer: Answer, reviewed: Reviewed) -> None:
    st.markdown(f"**{answer.title}** {_LOOKS[answer.concern]}")
    st.markdown(widgets.plain(answer.figure))
    st.caption(widgets.plain(answer.why))
    if answer.evidence:
        st.caption(f":material/bar_chart: {widgets.plain(answer.evidence)}")
    if answer.place:
        st.button(
            f"Design: {answer.place.title}",
            key=f"to-design-{answer.name}",
            type="tertiary",
            icon=":material/arrow_forward:",
            help="Opens the Design page with this run's design and recipe." if reviewed.run else None,
            on_click=subject.to_design,
            args=(reviewed,),
        )
