"""The subject of the Review page: the current design or a run, with its recipe and epochs."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from mnistnet.nets.architecture import Architecture
from mnistnet.runs.run import Run
from mnistnet.training.progress import EpochDone
from mnistnet.training.recipe import Recipe
from mnistnet.ui import app, cache, controls, session, widgets

_PICKER = "review-what"


@dataclass(frozen=True)
class Reviewed:
    """The design and recipe that are reviewed; `run` is None for the current design."""

    architecture: Architecture
    recipe: Recipe
    run: Run | None = None

    @property
    def metrics(self) -> Sequence[EpochDone]:
        """The epochs of the run; none without one."""
        return cache.metrics(self.run) if self.run else ()


def picker() -> Reviewed:
    """The choice of what is reviewed."""
    chosen = controls.subject_picker("Run or design", session.reviewed.value, _PICKER, session.reviewed.set)
    run = None if chosen == session.CURRENT_DESIGN else cache.chosen(chosen)
    if run is None:
        return Reviewed(session.design.value, session.recipe.value)
    if run.state.is_active or not run.epochs_done:
        st.caption(f":material/info: This run is {run.state}: {widgets.epochs_finished(run)}.")
    return Reviewed(run.architecture, run.recipe, run)


def to_design(reviewed: Reviewed) -> None:
    """Show the Design page next, with the run's design and recipe where a run is reviewed."""
    if reviewed.run:
        session.design.set(reviewed.architecture)
        session.recipe.set(reviewed.recipe)
    app.go_to("pages/design.py")
