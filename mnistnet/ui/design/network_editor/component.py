"""The network as blocks that one pulls, with the budget above and the receptive field on a digit beside them.

The browser draws while something moves, by the same arithmetic, and sends one edit when it is made. What it sends is
untrusted: `edits` makes the change, which is checked as any other.
"""

import base64
import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal, TypeAlias, get_args

import streamlit as st
from pydantic import BaseModel, ConfigDict, Field

from mnistnet import strict_json
from mnistnet.charts.palette import LAYER
from mnistnet.data import datasets
from mnistnet.errors import MnistnetError
from mnistnet.lessons.controls import ADD, MOVE, REMOVE
from mnistnet.nets.layer_types import LAYER_TYPES, TITLES
from mnistnet.training.estimate import Estimate, rates, seconds_per_image
from mnistnet.ui import cache, notifications, session
from mnistnet.ui.design.layers import edits
from mnistnet.ui.design.network_editor.table import table
from mnistnet.ui.lessons import held

_KEY, _APPLIED = "network-editor", "_applied_edits"
_Field: TypeAlias = Literal["channels", "features", "size", "rate"]  # the main settings of layers
_MOST_EDITS = 100


def _file(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


_types = "".join(
    f'<button type="button" role="menuitem" data-type="{name}">{TITLES[name].capitalize()}</button>'
    for name in LAYER_TYPES
)
_component = st.components.v2.component(
    "mnistnet_network_editor",
    html=_file("editor.html").replace("{types}", _types),
    css=_file("editor.css"),
    js="\n".join(
        [
            f"const TABLE = {json.dumps(table())}",
            *map(_file, ("arithmetic.js", "figures.js", "drawing.js", "editor.js")),
        ]
    ),
)


class Edit(BaseModel):
    """One change by hand, of the layer with this id. `n` numbers the edits of a session."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    n: Annotated[int, Field(ge=1)]
    op: Literal["set", "move", "insert", "duplicate", "remove", "open"]
    layer: Annotated[str, Field(max_length=16)]
    field: _Field | None = None
    value: int | float | None = None
    to: Annotated[int, Field(ge=0)] | None = None
    type: Literal[tuple(LAYER_TYPES)] | None = None  # type: ignore[valid-type]


def network_editor(estimate: Estimate) -> None:
    """The current design, to be changed by hand; `estimate` is its training time."""
    design = session.design.value
    modelled = seconds_per_image(design)
    layers = zip(session.layer_ids(), design.model_dump(mode="json")["layers"], strict=True)
    data = {
        "layers": [{"id": layer_id, **layer} for layer_id, layer in layers],
        "budget": session.profile.value.params,
        "applied": st.session_state.get(_APPLIED, 0),
        "may": {field: not held.holds_field(field) for field in get_args(_Field)}
        | {"add": not held.is_held(ADD), "move": not held.is_held(MOVE), "remove": not held.is_held(REMOVE)},
        "time": asdict(rates(design)) | {"low": estimate.low / modelled, "high": estimate.high / modelled},
        "colours": LAYER,
        "digit": _digit(),
    }
    _component(key=_KEY, data=data, on_edits_change=_take)


def _digit() -> str:
    """The first test image of the recipe's data set, else of the offline sample: 784 bytes as base64."""
    try:
        images = cache.images(session.recipe.value.dataset, "course", "test")
    except MnistnetError:
        images = cache.images(datasets.OFFLINE.name, "course", "test")
    return base64.b64encode(images[0].tobytes()).decode()


def _take() -> None:
    """Make the edits that were not made yet; the browser sends each until its number comes back."""
    try:
        found = received(st.session_state[_KEY].get("edits"), st.session_state.get(_APPLIED, 0))
    except ValueError as error:
        notifications.notify(f"That change was not made: {error}")
        return
    for edit in found:
        st.session_state[_APPLIED] = edit.n
        _make(edit)


def received(sent: object, after: int) -> list[Edit]:
    """The edits that a browser sent, those with a number above `after`; ValueError where one is not an edit."""
    if not isinstance(sent, list) or len(sent) > _MOST_EDITS:
        raise ValueError(f"at most {_MOST_EDITS} edits are read; reload the page")
    return [edit for edit in (strict_json.validated(Edit, one) for one in sent) if edit.n > after]


def _make(edit: Edit) -> None:
    if edit.op == "set" and edit.field:
        edits.change(edit.layer, edit.field, edit.value)
    elif edit.op == "move" and edit.to is not None:
        edits.move_to(edit.layer, edit.to)
    elif edit.op == "insert" and edit.type:
        edits.insert_after(edit.layer, LAYER_TYPES[edit.type].new)
    elif edit.op == "duplicate":
        edits.duplicate(edit.layer)
    elif edit.op == "remove":
        edits.remove(edit.layer)
    elif edit.op == "open":
        st.session_state[edits.menu(edit.layer)] = True
