"""Charts whose form seldom changes while their rows do: Altair builds the form once, the rows are put in each time.

Building took two thirds of a slider's step on the Design page.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import altair as alt

Spec: TypeAlias = dict[str, Any]
_ROWS = "rows"

# What a template gives as its data.
rows_to_come = alt.NamedData(name=_ROWS)


def template(chart: alt.LayerChart) -> str:
    """The chart's form as Vega-Lite in JSON: text, so that a copy that is kept cannot be changed."""
    # Held against Vega-Lite's schema by the tests of each chart, filled.
    return json.dumps(chart.to_dict(validate=False))


def filled(form: str, rows: Sequence[Mapping[str, object]], **others: Sequence[Mapping[str, object]]) -> Spec:
    """The template's chart of `rows`, and of other rows by the names that its layers give their data."""
    spec: Spec = json.loads(form)
    named = {name: list(some) for name, some in others.items()}
    spec["datasets"] = {**spec.get("datasets", {}), _ROWS: list(rows), **named}
    return spec
