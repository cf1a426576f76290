"""Training the shown run further, on the Train page: how many epochs, at which rate, and what the rules will count."""

import streamlit as st

from mnistnet.runs.run import Run
from mnistnet.runs.worker import further
from mnistnet.training.recipe import MAX_EPOCHS, SCHEDULE_TITLES
from mnistnet.ui import app, auth, cache, session
from mnistnet.ui.lessons import held

_EPOCHS, _RATE = "further-epochs", "further-rate"


def further_panel(run: Run) -> None:
    """A button that opens the choices, and starts a new run from the weights of this one, which is done."""
    with st.popover("Train further", icon=":material/add:", key=f"further-{run.id}"):
        st.markdown(
            "Starts a new run from the final weights of this one. This run stays as it is, and can be deleted later: "
            "the new one has a copy of the weights."
        )
        epochs_key, rate_key = f"{_EPOCHS}-{run.id}", f"{_RATE}-{run.id}"
        epochs = st.number_input(
            "Epochs to add", 1, MAX_EPOCHS, further.EPOCHS, key=epochs_key, **held.of_setting("epochs")
        )
        rate = st.number_input(
            "Their peak learning rate",
            min_value=1e-6,
            max_value=10.0,
            value=further.usual_rate(run),
            step=further.usual_rate(run) / 5,
            format="%g",
            key=rate_key,
            **held.of_setting(
                "learning_rate", f"The recipe's own is {run.recipe.learning_rate:g}. A quarter of it is usual here."
            ),
        )
        st.caption(
            f"A whole schedule over the added epochs ({SCHEDULE_TITLES[run.recipe.schedule]}; peak {rate:g}); "
            f"everything else as in this run's recipe. The rules count the epochs of both runs: "
            f"{run.epochs_in_all} + {epochs} = **{run.epochs_in_all + epochs}**."
        )
        st.button(
            "Start the added epochs",
            key=f"start-further-{run.id}",
            type="primary",
            on_click=_start,
            args=(run, epochs_key, rate_key, session.start_token()),
            **held.of_setting("epochs"),
        )


def _start(run: Run, epochs_key: str, rate_key: str, token: str) -> None:
    # Read here: what was typed just before the click is newer than what the page was drawn with.
    epochs, rate = st.session_state[epochs_key], st.session_state[rate_key]
    app.show_started(
        lambda: further.submit(
            cache.store(), run.id, further.recipe_of(run, epochs, rate), f"{token}-further", auth.owner()
        )
    )
