"""The experiment with and without one thing on the Review page."""

import streamlit as st

from mnistnet.nets.rules import epochs_text
from mnistnet.review import experiments
from mnistnet.ui import cache
from mnistnet.ui.review import runs
from mnistnet.ui.review.subject import Reviewed

_EPOCHS = "review-epochs"


def ablation(reviewed: Reviewed) -> None:
    """The design as it is, and with one of batch norm, dropout and augmentation removed or added."""
    st.subheader("With and without one thing", anchor=False)
    st.caption(
        "The design as it is, and with batch norm, dropout or augmentation removed; added where it has none. A "
        "convolution that loses batch norm gets a bias, and the learning rate stays. The baseline is used for all."
    )
    choices = sorted({min(experiments.SHORT_EPOCHS, reviewed.recipe.epochs), reviewed.recipe.epochs})
    chosen = choices[-1]
    if len(choices) > 1:
        picked = st.segmented_control(
            "Epochs of each run",
            choices,
            default=_first(reviewed, choices),
            format_func=lambda count: f"{epochs_text(count)}{', as the recipe' * (count == choices[-1])}",
            required=True,
            key=f"{_EPOCHS}-{choices[-1]}",
        )
        chosen = picked or chosen
    runs.runs(experiments.ablation(reviewed.architecture, reviewed.recipe, chosen), "parameters")


def _first(reviewed: Reviewed, choices: list[int]) -> int:
    """The number of epochs of which most runs are in the store, so that a refresh finds them again."""
    known = cache.snapshot().runs

    def there(count: int) -> int:
        experiment = experiments.ablation(reviewed.architecture, reviewed.recipe, count)
        return len(experiment.variants) - len(experiment.missing(known))

    return max(choices, key=lambda count: (there(count), count))
