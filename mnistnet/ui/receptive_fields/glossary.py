"""The terms of receptive fields, one sentence for each: tooltips where a term appears, and a list of all."""

import streamlit as st

FIELD = "Receptive field: the input pixels that can influence a unit; `8×8` is 8 pixels high and wide."
EFFECTIVE = (
    "Effective receptive field: the pixels that do influence a unit, measured by the gradient; it lies inside the "
    "receptive field."
)
JUMP = (
    "Jump: the distance in input pixels between the receptive fields of neighbouring units, which is the product of "
    "all strides up to the layer."
)
_OTHERS = (
    "Stride: the step in units with which a kernel or a pooling window moves over its input.",
    "Kernel: the weights of a convolution for one output channel.",
    "Padding: zeros around a map, so that a kernel also fits at the edge; a receptive field can reach into it.",
    "Feature map: the values of one channel after a layer; one value is a unit.",
    "Transition layer: a `conv 1×1`. It combines channels and leaves the receptive field as it is.",
    "Clipped to 28×28: the receptive field is larger than the image, and the part outside is padding.",
)


def glossary() -> None:
    """A list of all terms, in an expander."""
    with st.expander("Terms on this page", icon=":material/menu_book:"):
        st.markdown("\n".join(f"- {_bold(term)}" for term in (FIELD, EFFECTIVE, JUMP, *_OTHERS)))


def _bold(term: str) -> str:
    name, meaning = term.split(": ", 1)
    return f"**{name}**: {meaning}"
