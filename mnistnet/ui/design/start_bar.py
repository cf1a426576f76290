"""The bar at the bottom of the Design page: the rules, the training time, the protocol, and Start."""

import streamlit as st

from mnistnet.data import datasets, splits
from mnistnet.nets import rules
from mnistnet.nets.rules import Verdict, epochs_text
from mnistnet.nets.rules.verdicts import parameters_rule
from mnistnet.nets.summary import Summary
from mnistnet.runs.worker import supervisor
from mnistnet.training.estimate import Estimate
from mnistnet.ui import app, auth, cache, controls, notifications, session, widgets
from mnistnet.ui.design import recipe_editor
from mnistnet.ui.design.network_editor import live
from mnistnet.ui.design.starting import names
from mnistnet.ui.lessons import held

_COUNT = "{params} / {budget}"


def start_bar(summary: Summary, guess: Estimate) -> None:
    """The cost of a run, with `guess` as its training time, the rules it would break, the protocol, and Start."""
    broken = [
        verdict
        for verdict in rules.verdicts(session.design.value, summary, session.recipe.value.epochs, session.profile.value)
        if not verdict.passed
    ]
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", gap="small"):
        _cost(summary, broken, guess)
        _protocol()
        _button(summary, broken)
    if summary.fault:
        st.caption(f":material/error: Cannot start. Layer {summary.fault.layer + 1}: {summary.fault.message}.")
    elif broken:
        reasons = "; ".join(f"{verdict.rule} ({verdict.detail})" for verdict in broken)
        st.caption(f":material/warning: This run would not meet the rules: {reasons}.")


def _cost(summary: Summary, broken: list[Verdict], guess: Estimate) -> None:
    recipe, profile = session.recipe.value, session.profile.value
    others = [verdict.rule for verdict in broken if verdict.rule != parameters_rule(profile)]
    too_many = ", ".join([parameters_rule(profile), *others])
    judged: live.Words = {
        "fits": f"not met: {', '.join(others)} · {_COUNT}" if others else f"rules met · {_COUNT}",
        "over": f"not met: {too_many} · {_COUNT}",
        "faulty": f"cannot be built yet · {_COUNT}",
        "broken": "cannot be built yet · {params} so far / {budget}",
    }
    unsure = "" if guess.runs_seen else " (a guess)"
    long = f"{epochs_text(recipe.epochs)}, about {{time}}{unsure}"
    times: live.Words = {"fits": long, "over": long, "broken": epochs_text(recipe.epochs)}
    numbers = live.design_numbers(summary, profile.params, widgets.time_range(guess.low, guess.high))
    current = live.states(summary, profile.params)
    why = (
        f"Training time on this machine, from the speed of the last {guess.runs_seen} runs here."
        if guess.runs_seen
        else "Training time on this machine. The first run on a machine is a guess; later runs use its measured speed."
    )
    with st.container(key="cost", width="content"):
        live.write(
            live.text(live.DESIGN, current, numbers, judged, look="chip bad" if others else "chip"),
            live.text(live.DESIGN, current, numbers, times, title=why),
        )


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
    design, recipe = session.design.value, session.recipe.value
    app.show_started(lambda: supervisor.submit(cache.store(), design, recipe, token, owner=auth.owner()))
