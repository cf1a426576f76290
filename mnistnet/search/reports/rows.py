"""The trials of a search as rows, and as a CSV file."""

import csv
import io
from collections.abc import Iterable

from mnistnet.search.choices import Value
from mnistnet.search.search import Search
from mnistnet.search.trials import Trial

COLUMNS = ("number", "phase", "of", "state", "params", "macs", "accuracy", "seconds", "run", "message")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def to_csv(search: Search, trials: Iterable[Trial]) -> str:
    """The trials in order, a line each: COLUMNS, then one column for each choice of the space. Accuracies are
    fractions, seconds those of training, all seeds together; what is not known is empty. `message`: why a trial failed
    or was not trained."""
    names = [choice.name for choice in search.space]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*COLUMNS, *map(_text, names)])
    for trial in trials:
        accuracy = "" if trial.accuracy is None else f"{trial.accuracy:.6f}"
        fixed = (trial.number, trial.phase, trial.of, trial.state, trial.params, trial.macs, accuracy)
        values = [_text(trial.values.get(name, "")) for name in names]
        writer.writerow([*fixed, f"{trial.seconds:.2f}", trial.run or "", _text(trial.message), *values])
    return text.getvalue()


def _text(value: Value) -> Value:
    """The value; a text that a spreadsheet would compute is marked as text."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
