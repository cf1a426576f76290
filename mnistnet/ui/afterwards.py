"""The Train page below the curve: where to go with a run, and how to be rid of it."""

import shlex

import streamlit as st

from mnistnet.runs.run import Run, State
from mnistnet.ui import access, actions, components, readers, state


def afterwards(run: Run) -> None:
    """What can be done with the run: look at its mistakes, open its design, see why it failed."""
    with st.container(horizontal=True, vertical_alignment="center"):
        if run.epochs_done:
            st.page_link("pages/mistakes.py", label="Its mistakes", icon=":material/search:")
        st.button(
            "What its layers see", icon=":material/center_focus_strong:", on_click=state.see_fields, args=(run.id,)
        )
        st.button("Open its design", icon=":material/edit:", on_click=actions.open_design, args=(run.id,))
        if not run.state.is_active:
            _deletion(run)
    if run.state is State.FAILED:
        st.caption("The last lines of its log:")
        st.code(readers.log_tail(run) or run.message, language=None)
    with st.expander("The same from the command line", icon=":material/terminal:"):
        folder = readers.store().folder(run.id)
        design, recipe = (shlex.quote(str(folder / name)) for name in ("design.json", "recipe.json"))
        components.command(f"python -m mnistnet train {design} --recipe {recipe}", "The same design and recipe again:")
        components.command(f"python -m mnistnet show {run.id}", "This run, in the terminal:")


def _deletion(run: Run) -> None:
    """Delete, behind a question."""
    with st.popover("Delete", icon=":material/delete:", key=f"deletion-{run.id}"):
        st.markdown(f"Run `{run.id}`: its curve, its weights and all its other files go, and cannot be brought back.")
        objection = access.objection(run)
        st.button(
            "Delete for good",
            key=f"delete-{run.id}",
            disabled=objection is not None,
            help=objection,
            on_click=actions.delete,
            args=(run.id,),
        )
