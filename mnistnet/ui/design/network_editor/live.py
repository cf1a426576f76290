"""Texts that follow under the hand: Python writes them with their templates, and `figures.js` fills these again while
something moves. So each wording stands once, and in Python."""

from collections.abc import Collection, Mapping, Sequence
from html import escape
from typing import Literal, TypeAlias

import streamlit as st

from mnistnet.nets.summary import Summary

State: TypeAlias = Literal["fits", "over", "faulty", "broken"]
Words: TypeAlias = Mapping[State, str]
DESIGN = "design"  # the scope of figures of the whole design; that of figures of layers are their ids


def states(summary: Summary, budget: int) -> tuple[State, ...]:
    """What is true of the design, the first for which a text has words counts.

    `broken`: a layer does not fit. `faulty`: all fit, yet it cannot be trained. `fits`: under the budget. `over`: at or
    above it.
    """
    if not summary.is_whole:
        return ("broken",)
    counted: State = "fits" if summary.params < budget else "over"
    return ("faulty", counted) if summary.fault else (counted,)


def write(*elements: str) -> None:
    """Elements of `text`, side by side."""
    st.html(f'<div class="live-row">{" ".join(elements)}</div>')


def text(
    scope: str,
    current: Sequence[State],
    values: Mapping[str, object],
    words: Words,
    *,
    look: str = "",
    title: str = "",
) -> str:
    """An HTML element of one line: the template for the current state, filled with `values`.

    Templates have the names of `figures.js`: of the design params, budget, left, over, macs, field and time, of a layer
    size, params and field. `look`: further classes, as `ui/theme/styles.css` has them; `title`: its tooltip.
    """
    kept = " ".join(f'data-{state}="{escape(template)}"' for state, template in words.items())
    shown = next(state for state in current if state in words)
    about = f' title="{escape(title)}"' if title else ""
    return (
        f'<span class="live {look}" data-live="{escape(scope)}" data-state="{shown}" {kept}{about}>'
        f"{escape(words[shown].format_map(values))}</span>"
    )


def mark(layer_id: str, widest: int, high: int) -> None:
    """A mark below a slider from 1 to `high` at the largest width that fits; hidden where that is beyond the slider."""
    place = 100 * (widest - 1) / (high - 1)
    words = "▲ {widest} fits"
    st.html(
        f'<div class="live-marks"><span data-live-mark="{escape(layer_id)}" data-high="{high}" data-words="{words}" '
        f'style="left: {place}%"{" hidden" if place > 100 else ""}>{words.format(widest=widest)}</span></div>'
    )


def always(template: str) -> Words:
    """The templates of a text that is the same in each state."""
    return {"fits": template, "over": template, "broken": template}


def design_numbers(summary: Summary, budget: int, time: str = "") -> dict[str, str | int]:
    """The values of texts about the whole design."""
    return {
        "params": f"{summary.params:,}",
        "budget": f"{budget:,}",
        "left": f"{budget - 1 - summary.params:,}",
        "over": f"{summary.params - budget + 1:,}",
        "macs": f"{summary.macs:,}",
        "field": summary.field,
        "time": time,
    }


def layer_numbers(summary: Summary, layers: Collection[int]) -> dict[str, str | int]:
    """The values of texts about one layer, or about several that follow each other; none where one is not built.

    The parameters are those of all, size and receptive field those of the last.
    """
    each = [summary.of_layer(layer) for layer in layers]
    if not all(each):
        return {}
    params, last = sum(row.params for rows in each for row in rows), each[-1][-1]
    return {"size": last.size, "params": f"{params:,}", "field": last.field}
