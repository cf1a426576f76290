"""A design and its recipe as a notebook that trains and evaluates from scratch, for hosted notebook services.

Its text is one Markdown document, `code/notebook.md.jinja`, whose Python blocks become the code cells.
"""

import json
import re
import string
from typing import Any

from mnistnet.data import datasets, splits
from mnistnet.exports.code.model import rendered
from mnistnet.exports.material import Material
from mnistnet.insight.predictions.evaluation import Score
from mnistnet.training.recipe import TITLES, described

_PYTHON = re.compile(r"^```python\n(.*?)\n```$", re.MULTILINE | re.DOTALL)
# A name in Markdown: no character of it may begin markup, HTML, a formula or a link.
_ESCAPES = {ord(character): f"&#{ord(character)};" for character in string.punctuation if character != "-"}
_OF_THE_MACHINE = {TITLES[name] for name in ("threads", "device", "precision")}
_METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
    "colab": {"provenance": []},
    "accelerator": "GPU",
}


def notebook(material: Material) -> bytes:
    """The notebook as JSON of nbformat 4.5, without outputs; a run's result is told in its text.

    DesignError where a layer does not fit.
    """
    recipe = material.recipe
    source = datasets.source(recipe.dataset)
    text = rendered(
        "notebook.md.jinja",
        material.architecture,
        recipe,
        title=material.architecture.name.translate(_ESCAPES),
        result=_result(material),
        images=splits.describe(source, recipe.protocol),
        settings={title: value for title, value in described(recipe).items() if title not in _OF_THE_MACHINE},
        keeps_history=True,
    )
    cells = [_cell(number, kind, source) for number, (kind, source) in enumerate(_parts(text))]
    value = {"nbformat": 4, "nbformat_minor": 5, "metadata": _METADATA, "cells": cells}
    return json.dumps(value, indent=1, ensure_ascii=False).encode() + b"\n"


def _parts(text: str) -> list[tuple[str, str]]:
    """The document's parts in order, each `markdown` or `code` with its text; empty ones are left out."""
    kinds = ("markdown", "code")
    parts = [(kinds[place % 2], part.strip("\n")) for place, part in enumerate(_PYTHON.split(text))]
    return [(kind, part) for kind, part in parts if part]


def _cell(number: int, kind: str, text: str) -> dict[str, Any]:
    cell = {"cell_type": kind, "id": f"cell-{number}", "metadata": {}, "source": text.splitlines(keepends=True)}
    return cell | ({"execution_count": None, "outputs": []} if kind == "code" else {})


def _result(material: Material) -> str:
    """The result of the run in a sentence; empty without a score."""
    run = material.result.run if material.result else None
    if run is None or run.test_errors is None or not run.test_total:
        return ""
    score = Score(run.test_errors, run.test_total)
    low, high = score.interval.low, score.interval.high
    return (
        f"The run that it repeats reached {score.accuracy:.2%} on the test set ({score.errors} errors of "
        f"{score.total:,}; 95 % interval {low:.2%} to {high:.2%}). Another seed or machine gives a figure near it."
    )
