"""The bar at the bottom of the Design page: the rules, the time, what is validated on, and Start."""

import streamlit as st

from mnistnet.data import datasets, splits
from mnistnet.errors import MnistnetError
from mnistnet.nets import rules
from mnistnet.nets.rules import Verdict
from mnistnet.nets.summary import Summary
from mnistnet.runs.worker import supervisor
from mnistnet.system import cores
from mnistnet.ui import auth, cache, notifications, session, widgets
from mnistnet.ui.design import names, recipe_editor


def start_bar(summary: Summary) -> None:
    """What a run would cost and which rules it would break; Start, and what is validated on."""
    broken = [
        verdict
        for verdict in rules.verdicts(session.design(), summary, session.recipe().epochs, session.profile())
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
    recipe, profile = session.recipe(), session.profile()
    guess = cache.training_time(session.design(), recipe, recipe.threads or cores())
    count = f"{summary.params:,}{'' if summary.is_whole else ' so far'} / {profile.params:,}"
    badge = f":green-badge[:material/check: rules met · {count}]"
    if summary.fault:  # whether it would meet the rules is not known yet
        badge = f":red-badge[:material/close: cannot be built yet · {count}]"
    elif broken:
        badge = f":red-badge[:material/close: not met: {', '.join(verdict.rule for verdict in broken)} · {count}]"
    time = f", about {widgets.time_range(guess.low, guess.high)}" if summary.is_whole else ""
    st.markdown(
        f"{badge} {recipe.epochs} {'epoch' if recipe.epochs == 1 else 'epochs'}{time}"
        f"{'' if guess.runs_seen or not time else ' (a guess)'}",
        width="content",
        help=f"Training time on this machine, from the speed of the last {guess.runs_seen} runs here."
        if guess.runs_seen
        else "Training time on this machine. The first run on a machine is a guess; later runs use its measured speed.",
    )


def _protocol() -> None:
    source, current = datasets.source(session.recipe().dataset), session.recipe().protocol
    key = session.control("start-protocol", current)
    st.segmented_control(
        "Validated on",
        list(splits.PROTOCOLS),
        default=current,
        format_func=lambda protocol: splits.title(source, protocol),
        required=True,
        wrap=True,
        on_change=recipe_editor.take,
        args=("protocol", key),
        help="\n\n".join(f"{splits.title(source, one)}: {splits.describe(source, one)}" for one in splits.PROTOCOLS),
        key=key,
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
    named = names.for_start(session.design())
    if named != session.design():
        notifications.note(f"Another design ran as {session.design().name}: this run is called {named.name}.")
        session.set_design(named, keep_ids=session.layer_ids())
    try:
        run = supervisor.submit(cache.store(), session.design(), session.recipe(), token, owner=auth.owner())
    except MnistnetError as error:
        session.notify(f"Not started: {error}")
        return
    cache.forget()
    session.choose_run(run.id)
    session.go_to("pages/train.py")
