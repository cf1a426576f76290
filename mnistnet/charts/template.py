"""Charts as Vega-Lite, and those whose form seldom changes while their rows do: Altair builds the form once, the rows
are put in each time. Building took two thirds of a slider's step on the Design page.
"""

import json
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, TypeAlias

import altair as alt

Spec: TypeAlias = dict[str, Any]
_ROWS = "rows"

# What a template gives as its data.
rows_to_come = alt.NamedData(name=_ROWS)


def specification(chart: alt.LayerChart) -> Spec:
    """The chart as Vega-Lite, not held against its schema: the tests do that, here it would only take time."""
    import_module("pandas")  # to its end: Altair uses it as far as another session's thread has imported it
    return chart.to_dict(validate=False)


def template(chart: alt.LayerChart) -> str:
    """The chart's form as Vega-Lite in JSON: text, so that a copy that is kept cannot be changed."""
    return json.dumps(specification(chart))


def filled(form: str, rows: Sequence[Mapping[str, object]], **others: Sequence[Mapping[str, object]]) -> Spec:
    """The template's chart of `rows`, and of other rows by the names that its layers give their data."""
    spec: Spec = json.loads(form)
    named = {name: list(some) for name, some in others.items()}
    spec["datasets"] = {**spec.get("datasets", {}), _ROWS: list(rows), **named}
    return spec
