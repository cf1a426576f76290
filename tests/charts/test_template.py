"""A chart's form kept as text and filled again and again: each filling is the whole chart of its own rows."""

import subprocess
import sys
from typing import Any

import altair as alt
import pytest

from mnistnet.charts.template import filled, rows_to_come, template
from tests.support import vega

ROWS = [{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": 0.25}]
OTHERS = [{"epoch": 7, "loss": 2.0}]
OWN = [{"at": 0.125}]


def chart(rows: Any) -> alt.LayerChart:
    """Points of the chart's rows, and a line that has a data set of its own."""
    points = alt.Chart().mark_point().encode(alt.X("epoch:Q"), alt.Y("loss:Q"))
    line = alt.Chart(alt.InlineData(values=OWN)).mark_rule().encode(alt.Y("at:Q"))
    return alt.LayerChart(data=rows, layer=[points, line], height=52)


FORM = template(chart(rows_to_come))


def written_out(chart: alt.LayerChart | vega.Spec) -> vega.Spec:
    """The chart with each layer's rows in place of the name they are kept under."""
    spec = vega.spec(chart)
    layers = [{**layer, "data": vega.rows(spec, layer)} for layer in spec["layer"]]
    return {name: value for name, value in spec.items() if name not in ("data", "datasets")} | {"layer": layers}


def drawn(spec: vega.Spec, mark: str) -> list[vega.Row]:
    (layer,) = vega.layers(spec, mark)
    return vega.rows(spec, layer)


@pytest.mark.parametrize("rows", [ROWS, OTHERS, []], ids=["two", "one", "none"])
def test_a_filled_template_is_the_chart_of_these_rows(rows: list[vega.Row]) -> None:
    assert written_out(filled(FORM, rows)) == written_out(chart(alt.InlineData(values=rows)))


def test_each_filling_has_its_own_rows() -> None:
    first, second = filled(FORM, ROWS), filled(FORM, OTHERS)
    assert (drawn(first, "point"), drawn(second, "point")) == (ROWS, OTHERS)


def test_what_is_done_to_a_filled_chart_does_not_reach_the_next() -> None:
    spec = filled(FORM, ROWS)
    spec["layer"].clear()
    spec["datasets"].clear()
    assert written_out(filled(FORM, ROWS)) == written_out(chart(alt.InlineData(values=ROWS)))


def test_a_layer_keeps_the_data_set_it_came_with() -> None:
    assert drawn(filled(FORM, ROWS), "rule") == OWN


def test_any_sequence_of_rows_will_do() -> None:
    assert filled(FORM, tuple(ROWS)) == filled(FORM, ROWS)


def test_a_template_without_data_sets_of_its_own_gets_its_rows() -> None:
    alone = template(alt.LayerChart(data=rows_to_come, layer=[alt.Chart().mark_point().encode(alt.X("epoch:Q"))]))
    assert drawn(vega.spec(filled(alone, ROWS)), "point") == ROWS


RACE = """
import sys, threading, time
import altair as alt
from mnistnet.charts import template

chart = alt.layer(alt.Chart(alt.InlineData(values=[{"x": 1}])).mark_point().encode(x="x:Q", tooltip=["x:Q"]))
assert "pandas" not in sys.modules
threading.Thread(target=__import__, args=["pandas"]).start()
while "pandas" not in sys.modules:
    time.sleep(0.0001)
assert not hasattr(sys.modules["pandas"], "Timestamp"), "too late to see"
print(template.specification(chart)["layer"][0]["mark"]["type"])
"""


def test_a_chart_is_drawn_while_another_thread_imports_pandas() -> None:
    ended = subprocess.run([sys.executable, "-c", RACE], capture_output=True, text=True, timeout=60)
    assert (ended.stdout, ended.stderr) == ("point\n", "")
