"""The bar at the bottom of the Design page: the rules, the time, what is validated on, and Start."""

import streamlit as st

from mnistnet.data import datasets, splits
from mnistnet.errors import MnistnetError
from mnistnet.nets import rules
from mnistnet.nets.geometry import Walk
from mnistnet.nets.rules import Verdict
from mnistnet.runs import supervisor
from mnistnet.system import cores
from mnistnet.ui import access, announcements, components, names, readers, recipe_panel, state


def start_bar(walk: Walk) -> None:
    """What a run would cost and which rules it would break; Start, and what is validated on."""
    broken = [
        verdict
        for verdict in rules.verdicts(state.design(), walk, state.recipe().epochs, state.profile())
        if not verdict.passed
    ]
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", gap="small"):
        _cost(walk, broken)
        _protocol()
        _button(walk, broken)
    if walk.fault:
        st.caption(f":material/error: Cannot start. Layer {walk.fault.layer + 1}: {walk.fault.message}.")
    elif broken:
        reasons = "; ".join(f"{verdict.rule} ({verdict.detail})" for verdict in broken)
        st.caption(f":material/warning: This run would not meet the rules: {reasons}.")


def _cost(walk: Walk, broken: list[Verdict]) -> None:
    recipe, profile = state.recipe(), state.profile()
    guess = readers.training_time(state.design(), recipe, recipe.threads or cores())
    count = f"{walk.params:,}{'' if walk.is_whole else ' +'} / {profile.params:,}"
    badge = f":green-badge[:material/check: rules met · {count}]"
    if broken:
        badge = f":red-badge[:material/close: not met: {', '.join(verdict.rule for verdict in broken)} · {count}]"
    time = f", about {components.time_range(guess.low, guess.high)}" if walk.is_whole else ""
    st.markdown(
        f"{badge} {recipe.epochs} {'epoch' if recipe.epochs == 1 else 'epochs'}{time}"
        f"{'' if guess.runs_seen or not time else ' (a guess)'}",
        width="content",
        help=f"Training time on this machine, from the speed of the last {guess.runs_seen} runs here."
        if guess.runs_seen
        else "Training time on this machine. The first run on a machine is a guess; later runs use its measured speed.",
    )


def _protocol() -> None:
    source, current = datasets.source(state.recipe().dataset), state.recipe().protocol
    key = state.control("start-protocol", current)
    st.segmented_control(
        "Validated on",
        list(splits.PROTOCOLS),
        default=current,
        format_func=lambda protocol: splits.title(source, protocol),
        required=True,
        wrap=True,
        on_change=recipe_panel.take,
        args=("protocol", key),
        help="\n\n".join(f"{splits.title(source, one)}: {splits.describe(source, one)}" for one in splits.PROTOCOLS),
        key=key,
    )


def _button(walk: Walk, broken: list[Verdict]) -> None:
    st.button(
        "Start anyway" if broken and not walk.fault else "Start training",
        type="secondary" if broken else "primary",
        icon=":material/play_arrow:",
        key="start",
        disabled=walk.fault is not None,
        on_click=_start,
        args=(state.start_token(),),
    )


def _start(token: str) -> None:
    named = names.for_start(state.design())
    if named != state.design():
        announcements.note(f"Another design ran as {state.design().name}: this run is called {named.name}.")
        state.put_design(named, keep_ids=state.layer_ids())
    try:
        run = supervisor.submit(readers.store(), state.design(), state.recipe(), token, owner=access.owner())
    except MnistnetError as error:
        state.tell(f"Not started: {error}")
        return
    readers.forget()
    state.choose_run(run.id)
    state.go_to("pages/train.py")
