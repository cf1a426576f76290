"""The curves of a run: what stands where, what the axes say, and the sentence beside them."""

from copy import deepcopy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnistnet.charts.curves import VIEWS, View, curves, takeaway, with_samples
from mnistnet.insight.predictions.peers import BandPoint
from mnistnet.runs.files.samples import Sample
from mnistnet.runs.run import EpochMetrics
from tests.support import vega
from tests.support.contrast import GRAPHICS, weakest
from tests.support.samples import metrics

TARGET = 0.994
EPOCHS = 4
FIRST = metrics(
    1,
    train_loss=0.75,
    train_accuracy=0.75,
    validation_loss=0.25,
    validation_accuracy=0.875,
    learning_rate=0.1,
)
SECOND = metrics(
    2,
    train_loss=0.5,
    train_accuracy=0.9375,
    validation_loss=0.125,
    validation_accuracy=0.96875,
    learning_rate=0.05,
)
RUN = [FIRST, SECOND]
DRAWN: dict[View, list[tuple[int, str, float]]] = {
    "accuracy": [(1, "training", 0.75), (1, "validation", 0.875), (2, "training", 0.9375), (2, "validation", 0.96875)],
    "error (log)": [
        (1, "training", 0.25),
        (1, "validation", 0.125),
        (2, "training", 0.0625),
        (2, "validation", 0.03125),
    ],
    "loss": [(1, "training", 0.75), (1, "validation", 0.25), (2, "training", 0.5), (2, "validation", 0.125)],
    "learning rate": [(1, "training", 0.1), (2, "training", 0.05)],
}

shares = st.floats(0, 1)
epochs = st.lists(
    st.builds(
        metrics,
        st.integers(1, EPOCHS),
        train_loss=st.floats(0, 1e6),
        validation_loss=st.floats(0, 1e6),
        train_accuracy=shares,
        validation_accuracy=shares,
        learning_rate=st.floats(1e-9, 10),
    ),
    max_size=4,
)


def drawn(run: list[EpochMetrics], view: View) -> vega.Spec:
    return vega.spec(curves(run, EPOCHS, TARGET, view))


def values(spec: vega.Spec) -> list[float]:
    return vega.levels(spec, vega.layers(spec, "line")[0], "y")


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_draws_its_figures_of_each_epoch(view: View) -> None:
    spec = drawn(RUN, view)
    rows = vega.rows(spec, vega.layers(spec, "line")[0])
    assert [(row["epoch"], row["series"], row["value"]) for row in rows] == DRAWN[view]


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_without_an_epoch_is_an_empty_chart(view: View) -> None:
    assert values(drawn([], view)) == []


@pytest.mark.parametrize("view", VIEWS)
@given(run=epochs)
@settings(max_examples=10, deadline=None)
def test_the_upright_axis_contains_all_figures(view: View, run: list[EpochMetrics]) -> None:
    spec = drawn(run, view)
    low, high = vega.scale(spec, "y")["domain"]
    assert low < high
    left_out = "is not drawn" in vega.title(spec, "x")
    rows = vega.rows(spec, vega.layers(spec, "line")[0])
    assert all(low <= row["value"] <= high for row in rows if not (left_out and row["series"] == "training"))


def test_training_far_below_validation_is_left_out_and_the_axis_says_so() -> None:
    spec = drawn([metrics(1, train_accuracy=0.6, validation_accuracy=0.99)], "accuracy")
    low, _ = vega.scale(spec, "y")["domain"]
    assert "(training below the axis is not drawn)" in vega.title(spec, "x")
    assert low > 0.98


def test_without_a_goal_no_line_is_drawn() -> None:
    spec = vega.spec(curves([metrics(1)], EPOCHS, None, "accuracy"))
    assert vega.layers(spec, "rule") == []


@pytest.mark.parametrize("view", VIEWS)
def test_the_epoch_axis_contains_all_epochs_to_come(view: View) -> None:
    low, high = vega.scale(drawn(RUN, view), "x")["domain"]
    assert low < 1 <= EPOCHS < high


@pytest.mark.parametrize("accuracy", [0.1, 0.5, 0.9, 0.99, 0.999, 1.0])
def test_an_accuracy_axis_that_does_not_start_at_zero_says_where_it_starts(accuracy: float) -> None:
    spec = drawn([metrics(1, train_accuracy=accuracy, validation_accuracy=accuracy)], "accuracy")
    low, _ = vega.scale(spec, "y")["domain"]
    assert vega.title(spec, "y") == f"accuracy (axis starts at {low:.1%})"


def test_an_accuracy_axis_that_starts_at_zero_does_not_speak_of_it() -> None:
    spec = drawn([metrics(1, validation_accuracy=0.05)], "accuracy")
    assert (vega.scale(spec, "y")["domain"], vega.title(spec, "y")) == ([0.0, 1.0], "accuracy")


def test_a_logarithmic_axis_says_that_it_is_one() -> None:
    spec = drawn(RUN, "error (log)")
    assert (vega.scale(spec, "y")["type"], vega.title(spec, "y")) == ("log", "error (logarithmic axis)")


@pytest.mark.parametrize("view", ["loss", "learning rate"])
def test_an_axis_of_amounts_starts_at_zero(view: View) -> None:
    assert vega.scale(drawn(RUN, view), "y")["domain"][0] == 0


def test_no_error_at_all_has_a_place_on_the_logarithmic_axis() -> None:
    spec = drawn([metrics(1, train_accuracy=1.0, validation_accuracy=1.0)], "error (log)")
    assert min(values(spec)) > 0


@pytest.mark.parametrize(("view", "level"), [("accuracy", TARGET), ("error (log)", 1 - TARGET)])
@pytest.mark.parametrize("mark", ["rule", "text"])
def test_the_goal_stands_at_the_target(view: View, level: float, mark: str) -> None:
    spec = drawn(RUN, view)
    (line,) = vega.layers(spec, mark)
    assert vega.levels(spec, line, "y") == [level]


@pytest.mark.parametrize(("view", "level"), [("accuracy", TARGET), ("error (log)", 1 - TARGET)])
@pytest.mark.parametrize("run", [[], RUN], ids=["empty", "run"])
def test_the_goal_lies_inside_the_axis(view: View, level: float, run: list[EpochMetrics]) -> None:
    low, high = vega.scale(drawn(run, view), "y")["domain"]
    assert low < level < high


@pytest.mark.parametrize("view", ["loss", "learning rate"])
def test_what_has_no_goal_has_no_goal_line(view: View) -> None:
    assert vega.layers(drawn(RUN, view), "rule") == []


def test_the_goal_is_written_beside_its_line() -> None:
    spec = drawn(RUN, "accuracy")
    (label,) = vega.layers(spec, "text")
    assert vega.levels(spec, label, "text") == ["goal 99.4%"]


@pytest.mark.parametrize("view", VIEWS)
def test_training_and_validation_keep_their_colours_in_every_view(view: View) -> None:
    assert vega.colours(drawn(RUN, view)) == vega.colours(drawn(RUN, "accuracy"))


@pytest.mark.parametrize("view", VIEWS)
def test_lines_stand_out_from_both_grounds(view: View) -> None:
    pale = [found for found in vega.on_the_ground(drawn(RUN, view)) if weakest(*found) < GRAPHICS]
    assert pale == []


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_has_no_parameter_that_could_remount_it(view: View) -> None:
    assert vega.names(drawn(RUN, view)) == []


@pytest.mark.parametrize("view", VIEWS)
def test_the_same_epochs_make_the_same_chart(view: View) -> None:
    assert drawn(RUN, view) == drawn(list(RUN), view)


def test_the_sentence_gives_the_last_and_the_best_epoch() -> None:
    worse = metrics(3, validation_accuracy=0.95)
    assert takeaway([*RUN, worse], "loss") == (
        "loss over 3 epochs: validation accuracy 95.00% after the last, 96.88% at best, after epoch 2"
    )


def test_the_first_of_equally_good_epochs_is_called_the_best() -> None:
    assert takeaway([metrics(1), metrics(2)], "accuracy").endswith("at best, after epoch 1")


def test_the_sentence_says_when_there_is_nothing_yet() -> None:
    assert takeaway([], "accuracy") == "accuracy: no epoch is stored yet"


BAND = [BandPoint(1, 0.5, 0.75, 0.875), BandPoint(2, 0.75, 0.8, 0.9375), BandPoint(EPOCHS + 1, 0.9, 0.9, 0.9)]


@pytest.mark.parametrize(
    ("view", "ends"),
    [("accuracy", [[0.5, 0.75], [0.875, 0.9375]]), ("error (log)", [[0.5, 0.25], [0.125, 0.0625]])],
)
def test_the_band_of_comparable_runs_lies_behind_the_lines(view: View, ends: list[list[float]]) -> None:
    spec = vega.spec(curves(RUN, EPOCHS, TARGET, view, BAND))
    (area,) = vega.layers(spec, "area")
    assert spec["layer"][0] == area
    assert [vega.levels(spec, area, channel) for channel in ("y", "y2")] == ends


@pytest.mark.parametrize("view", ["accuracy", "error (log)"])
def test_the_band_changes_no_axis(view: View) -> None:
    spec = vega.spec(curves(RUN, EPOCHS, TARGET, view, BAND))
    (area,), (line,) = vega.layers(spec, "area"), vega.layers(spec, "line")
    assert area["encoding"]["y"]["scale"] == line["encoding"]["y"]["scale"]
    assert vega.scale(spec, "y") == vega.scale(drawn(RUN, view), "y")


@pytest.mark.parametrize("view", ["loss", "learning rate"])
def test_where_nothing_is_comparable_there_is_no_band(view: View) -> None:
    assert vega.layers(vega.spec(curves(RUN, EPOCHS, TARGET, view, BAND)), "area") == []


@pytest.mark.parametrize("run", [[], RUN], ids=["before the first epoch", "after two"])
@pytest.mark.parametrize(("view", "value"), [("accuracy", 0.75), ("error (log)", 0.25), ("loss", 1.5)])
def test_samples_within_an_epoch_are_a_thin_line_under_the_dots(
    run: list[EpochMetrics], view: View, value: float
) -> None:
    spec = with_samples(curves(run, EPOCHS, TARGET, view, has_samples=True).to_dict(), [Sample(0.5, 1.5, 0.75)], view)
    thin, thick = [layer for layer in spec["layer"] if layer["mark"]["type"] == "line"]
    assert spec["datasets"][thin["data"]["name"]] == [{"epoch": 0.5, "value": value}]
    assert thin["mark"]["strokeWidth"] < thick["mark"]["strokeWidth"]
    low, high = thin["encoding"]["x"]["scale"]["domain"]
    assert low <= 0.5 <= high


def test_sessions_that_share_a_curve_do_not_change_each_others() -> None:
    shared = curves(RUN, EPOCHS, TARGET, "loss", has_samples=True).to_dict()
    before = deepcopy(shared)
    with_samples(shared, [Sample(0.5, 1.5, 0.75)], "loss")
    assert shared == before


def test_the_learning_rate_has_no_samples() -> None:
    spec = curves(RUN, EPOCHS, None, "learning rate", has_samples=True).to_dict()
    assert len([layer for layer in spec["layer"] if layer["mark"]["type"] == "line"]) == 1
