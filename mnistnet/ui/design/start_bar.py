"""The bar at the bottom of the Design page: the rules, the training time, the protocol, and Start."""

from itertools import islice

import streamlit as st

from mnistnet.data import datasets, splits
from mnistnet.errors import MnistnetError
from mnistnet.nets import rules
from mnistnet.nets.architecture import Architecture
from mnistnet.nets.rules import Verdict, epochs_text
from mnistnet.nets.summary import Summary
from mnistnet.runs.worker import supervisor
from mnistnet.system import cores
from mnistnet.training.estimate import Estimate, Measured, estimate
from mnistnet.training.recipe import Recipe
from mnistnet.ui import app, auth, cache, controls, notifications, session, widgets
from mnistnet.ui.design import recipe_editor
from mnistnet.ui.design.starting import names
from mnistnet.ui.lessons import held

_RUNS_TO_LEARN_FROM, _RUNS_TO_LOOK_AT = 20, 200


def start_bar(summary: Summary) -> None:
    """The cost of a run, the rules it would break, the protocol, and Start."""
    broken = [
        verdict
        for verdict in rules.verdicts(session.design.value, summary, session.recipe.value.epochs, session.profile.value)
        if not verdict.passed
    ]
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", gap="small"):
        _cost(summary, broken)
        _protocol()
        _button(summary, broken)
    if summary.fault:
        st.caption(f":material/error: Cannot start. Layer {summary.fault.layer + 1}: {summary.fault.message}.")
    elif broken:
        reasons = "; ".join(f"{verdict.rule} ({verdict.detail})" for verdict in broken)
        st.caption(f":material/warning: This run would not meet the rules: {reasons}.")


def _cost(summary: Summary, broken: list[Verdict]) -> None:
    recipe, profile = session.recipe.value, session.profile.value
    guess = _training_time(session.design.value, recipe, recipe.threads or cores())
    count = f"{summary.params:,}{'' if summary.is_whole else ' so far'} / {profile.params:,}"
    badge = f":green-badge[:material/check: rules met · {count}]"
    if summary.fault:  # whether it would meet the rules is not known yet
        badge = f":red-badge[:material/close: cannot be built yet · {count}]"
    elif broken:
        badge = f":red-badge[:material/close: not met: {', '.join(verdict.rule for verdict in broken)} · {count}]"
    time = f", about {widgets.time_range(guess.low, guess.high)}" if summary.is_whole else ""
    st.markdown(
        f"{badge} {epochs_text(recipe.epochs)}{time}{'' if guess.runs_seen or not time else ' (a guess)'}",
        width="content",
        help=f"Training time on this machine, from the speed of the last {guess.runs_seen} runs here."
        if guess.runs_seen
        else "Training time on this machine. The first run on a machine is a guess; later runs use its measured speed.",
    )


def _training_time(architecture: Architecture, recipe: Recipe, threads: int) -> Estimate:
    """Training time on this machine, corrected by the speed of runs here with the same number of threads.

    The offline sample's small batches are slower per image, so it and the other data sets do not correct each other.
    """
    is_sample = recipe.dataset == datasets.OFFLINE.name
    seen = (
        Measured(run.architecture, run.images_per_second)
        for run in islice(cache.snapshot().runs, _RUNS_TO_LOOK_AT)
        if run.epochs_done
        and run.images_per_second
        and run.threads == threads
        and (run.recipe.dataset == datasets.OFFLINE.name) == is_sample
    )
    images = splits.counts(datasets.source(recipe.dataset), recipe.protocol).train
    return estimate(architecture, images, recipe.epochs, islice(seen, _RUNS_TO_LEARN_FROM))


def _protocol() -> None:
    if held.hides_field("protocol"):
        return
    source, current = datasets.source(session.recipe.value.dataset), session.recipe.value.protocol
    about = "\n\n".join(f"{splits.title(source, one)}: {splits.describe(source, one)}" for one in splits.PROTOCOLS)
    key = controls.control("start-protocol", current)
    st.segmented_control(
        "Validated on",
        list(splits.PROTOCOLS),
        default=current,
        format_func=lambda protocol: splits.title(source, protocol),
        required=True,
        wrap=True,
        on_change=recipe_editor.set_field,
        args=("protocol", key),
        key=key,
        **held.of_setting("protocol", about),
    )


def _button(summary: Summary, broken: list[Verdict]) -> None:
    st.button(
        "Start anyway" if broken and not summary.fault else "Start training",
        type="secondary" if broken else "primary",
        icon=":material/play_arrow:",
        key="start",
        disabled=summary.fault is not None,
        on_click=_start,
        args=(session.start_token(),),
    )


def _start(token: str) -> None:
    named = names.for_start(session.design.value)
    if named != session.design.value:
        notifications.toast(f"Another design ran as {session.design.value.name}: this run is called {named.name}.")
        session.set_design(named, session.layer_ids())
    try:
        run = supervisor.submit(cache.store(), session.design.value, session.recipe.value, token, owner=auth.owner())
    except MnistnetError as error:
        notifications.notify(f"Not started: {error}")
        return
    cache.forget()
    session.run_id.set(run.id)
    app.go_to("pages/train.py")
