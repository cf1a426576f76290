"""The mistakes of a network: confusion matrix, gallery, and the ten probabilities of one digit."""

from collections.abc import Container, Sequence
from typing import Any

import altair as alt
import numpy as np
import numpy.typing as npt
import pandas as pd

from mnistnet.charts.palette import HIGHLIGHT, NEUTRAL, VALIDATION
from mnistnet.charts.pictures import png
from mnistnet.data.datasets import Bytes
from mnistnet.insight.predictions.evaluation import Mistake

CELL = "cell"  # name of the confusion matrix's selection; its fields are `truth` and `guess`
DIGIT = "digit"  # name of the gallery's selection; its field is `index`
COLUMNS = 8
_CELL_FIELDS = ["index", "column", "row", "picture", "answer", "probability", "chosen"]
ALL = "errors"  # the margin's name on both axes: a click there chooses a whole row or column
_RAMP = ["#fde0c0", "#f08a24"]  # both light enough for dark figures
_RIGHT = "#d7dde6"
_LETTER = 6.2  # pixels, of a text of 11 pixels
_SIDE = f"min(46, 0.9 * width / {COLUMNS})"  # of a picture in the gallery, in pixels: on a phone they must not overlap


def confusion(counts: npt.NDArray[np.int64], classes: Sequence[str]) -> alt.LayerChart:
    """True labels down, predicted across, counts in the cells; colour shows errors, the diagonal stays grey.

    The margin, outlined, has the errors of each row and column.
    """
    frame = _counted(counts, classes)
    most = max(2, int(frame["errors"].max()))
    selected = alt.selection_point(name=CELL, fields=["truth", "guess"])
    base = _at_labels(frame, classes)
    diagonal = _at_labels(frame[frame["right"]], classes).mark_rect(cornerRadius=2, color=_RIGHT)
    cells = base.mark_rect(cursor="pointer", cornerRadius=2).encode(
        color=alt.Color("errors:Q", scale=alt.Scale(range=_RAMP, domain=[1, most]), legend=None),
        opacity=alt.condition((alt.datum.errors > 0) | alt.datum.right, alt.value(1), alt.value(0.12)),
        stroke=alt.condition(selected, alt.value("#111827"), alt.value("transparent"), empty=False),
        strokeWidth=alt.value(2.5),
        tooltip=_cell("count"),
    )
    numbers = base.mark_text(cursor="pointer", color="#111827").encode(
        size=_size("count"),
        text=alt.Text("count:Q", format=","),
        opacity=alt.condition(alt.datum.count > 0, alt.value(1), alt.value(0)),
    )
    margin = _at_labels(_margin(counts, classes), classes).encode(tooltip=_cell("errors"))
    sums = margin.mark_rect(cursor="pointer", cornerRadius=2, color="#00000000", stroke=NEUTRAL, strokeWidth=1)
    totals = margin.mark_text(cursor="pointer", fontWeight="bold").encode(
        size=_size("errors"), text=alt.Text("errors:Q", format=",")
    )
    layers = [cells.add_params(selected), diagonal.encode(tooltip=_cell("count")), numbers, sums, totals]
    return alt.LayerChart(layer=layers, height=430)


def _counted(counts: npt.NDArray[np.int64], classes: Sequence[str]) -> pd.DataFrame:
    """A row for each cell of the matrix (classes, classes)."""
    return pd.DataFrame(
        [
            (classes[truth], classes[guess], int(count), int(count) if truth != guess else 0, truth == guess)
            for (truth, guess), count in np.ndenumerate(counts)
        ],
        columns=["truth", "guess", "count", "errors", "right"],
    )


def _at_labels(frame: pd.DataFrame, classes: Sequence[str]) -> alt.Chart:
    """The rows' places: predicted label across, with its axis above, true label down."""
    places = [*classes, ALL]
    across = alt.Axis(orient="top", labelAngle=0, title="predicted", domain=False, ticks=False)
    down = alt.Axis(title="true label", domain=False, ticks=False)
    return alt.Chart(frame).encode(
        x=alt.X("guess:N", title="predicted", sort=places, axis=across),
        y=alt.Y("truth:N", title="true label", sort=places, axis=down),
    )


def _size(figure: str) -> Any:
    """Pixels of a figure's text: one of three digits or more is smaller on a phone, where a cell has 22 pixels."""
    on_a_phone = alt.value(alt.ExprRef("max(8, min(12, width / 31))"))
    return alt.condition(alt.datum[figure] > 99, on_a_phone, alt.value(12))


def _cell(figure: str) -> list[alt.Tooltip]:
    return [
        alt.Tooltip("truth:N", title="true label"),
        alt.Tooltip("guess:N", title="predicted"),
        alt.Tooltip(f"{figure}:Q", format=","),
    ]


def _margin(counts: npt.NDArray[np.int64], classes: Sequence[str]) -> pd.DataFrame:
    errors = counts - np.diag(np.diag(counts))
    rows = [(name, ALL, int(errors[place].sum())) for place, name in enumerate(classes)]
    columns = [(ALL, name, int(errors[:, place].sum())) for place, name in enumerate(classes)]
    return pd.DataFrame([*rows, *columns, (ALL, ALL, int(errors.sum()))], columns=["truth", "guess", "errors"])


def gallery(
    images: Sequence[Bytes],
    mistakes: Sequence[Mistake],
    classes: Sequence[str],
    chosen: int | None = None,
    doubtful: Container[int] = (),
    how_sure: bool = True,
) -> alt.LayerChart:
    """Wrong digits in rows of eight, each with true label, prediction and confidence; `chosen` is framed.

    The label of those in `doubtful` has a question mark; without `how_sure` no confidence is shown.
    """
    below = [f"{mistake.probability:.0%}" if how_sure else "" for mistake in mistakes]
    return _sheet(images, mistakes, classes, below, {chosen}, doubtful)


def changed(images: Sequence[Bytes], mistakes: Sequence[Mistake], classes: Sequence[str], new: int) -> alt.LayerChart:
    """Digits in rows of eight with true label and prediction; the first `new` are framed and called new."""
    below = ["new"] * new + [""] * (len(mistakes) - new)
    return _sheet(images, mistakes, classes, below, {mistake.index for mistake in mistakes[:new]})


def _sheet(
    images: Sequence[Bytes],
    mistakes: Sequence[Mistake],
    classes: Sequence[str],
    below: Sequence[str],
    framed: Container[int | None],
    doubtful: Container[int] = (),
) -> alt.LayerChart:
    cells = [
        {
            "index": mistake.index,
            "column": place % COLUMNS,
            "row": place // COLUMNS,
            "picture": png(image),
            "answer": f"{classes[mistake.label]}{'?' * (mistake.index in doubtful)} → {classes[mistake.predicted]}",
            "probability": text,
            "chosen": mistake.index in framed,
        }
        for place, (image, mistake, text) in enumerate(zip(images, mistakes, below, strict=True))
    ]
    rows = max(1, -(-len(mistakes) // COLUMNS))
    return alt.LayerChart(layer=_thumbnails(pd.DataFrame(cells, columns=_CELL_FIELDS), rows), height=rows * 96)


def _thumbnails(frame: pd.DataFrame, rows: int) -> list[alt.Chart]:
    """Frames, pictures and two lines of text, a row of `frame` each."""
    selected = alt.selection_point(name=DIGIT, fields=["index"])
    base = alt.Chart(frame).encode(
        x=alt.X("column:Q", axis=None, scale=alt.Scale(domain=[-0.5, COLUMNS - 0.5], nice=False)),
        y=alt.Y("row:Q", axis=None, scale=alt.Scale(domain=[rows - 0.4, -0.5], nice=False)),
        tooltip=[
            alt.Tooltip("index:Q", title="image"),
            alt.Tooltip("answer:N", title="true label → predicted"),
            alt.Tooltip("probability:N", title="confidence"),
        ],
    )
    frames = (
        base.mark_square(size=alt.ExprRef(f"pow({_SIDE} * 1.17, 2)"), cursor="pointer", filled=True, opacity=1)
        .encode(color=alt.condition(alt.datum.chosen, alt.value(HIGHLIGHT), alt.value("#00000000")))
        .add_params(selected)
    )
    pictures = base.mark_image(width=alt.ExprRef(_SIDE), height=alt.ExprRef(_SIDE), cursor="pointer").encode(
        url="picture:N"
    )
    answers = base.mark_text(dy=36, fontSize=12, fontWeight="bold").encode(text="answer:N")
    sure = base.mark_text(dy=50, fontSize=11).encode(text="probability:N")
    return [frames, pictures, answers, sure]


def probabilities(row: npt.NDArray[np.float32], truth: int | None, classes: Sequence[str]) -> alt.LayerChart:
    """The ten probabilities of one digit as bars; prediction and true label, where it is known, are named as well."""
    guess = int(row.argmax())
    role = {guess: "predicted", truth: "true label"} if truth != guess else {guess: "predicted, true label"}
    frame = pd.DataFrame(
        [(name, float(row[index]), role.get(index, "")) for index, name in enumerate(classes)],
        columns=["class", "probability", "role"],
    )
    named = frame["role"] if truth is not None else [""] * len(frame)  # alone, a guess needs no name
    frame["label"] = [f"{p:.1%} {r}".strip() for p, r in zip(frame["probability"], named, strict=True)]
    # Beside the longest bar there is room for its label, however narrow the chart is.
    end = alt.ExprRef(f"max(20, width - {_LETTER * max(map(len, frame['label'])) + 10})")
    base = alt.Chart(frame).encode(
        y=alt.Y("class:N", sort=list(classes), axis=alt.Axis(title=None, domain=False, ticks=False)),
        x=alt.X("probability:Q", scale=alt.Scale(domain=[0, 1], nice=False, range=[0, end]), axis=None),
    )
    bars = base.mark_bar(height=16).encode(
        color=alt.Color(
            "role:N",
            scale=alt.Scale(
                domain=["true label", "predicted", "predicted, true label", ""],
                range=[VALIDATION, HIGHLIGHT, VALIDATION, NEUTRAL],
            ),
            legend=None,
        )
    )
    labels = base.mark_text(align="left", dx=6).encode(text="label:N")
    return alt.LayerChart(layer=[bars, labels], height=280)
