"""The trials of a search as files for other programs: CSV, and a storage that Optuna and optuna-dashboard open."""

import csv
import io
from pathlib import Path
from tempfile import TemporaryDirectory

from mnistnet.search.search import Search
from mnistnet.search.studies import study_of
from mnistnet.search.trials import Trials

_COLUMNS = ("number", "phase", "of", "state", "params", "macs", "accuracy", "seconds", "run", "message")


def comma_separated(search: Search, trials: Trials) -> bytes:
    """One line a trial, refused ones included, then a column for each choice. Accuracies are shares of 1.

    UTF-8, lines end with CRLF (RFC 4180).
    """
    names = [choice.name for choice in search.space]
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow([*_COLUMNS, *names])
    for trial in trials.by_number.values():
        table.writerow(
            [*(_cell(getattr(trial, name)) for name in _COLUMNS), *(trial.values.get(name) for name in names)]
        )
    return text.getvalue().encode()


def _cell(value: object) -> object:
    return round(value, 6) if isinstance(value, float) else value


def optuna_storage(search: Search, trials: Trials) -> bytes:
    """A SQLite file with one study, the trials of the first phase: `sqlite:///FILE` is its address. Raises NoOptuna."""
    with TemporaryDirectory(prefix="optuna-") as folder:
        file = Path(folder, "study.sqlite")
        storage = f"sqlite:///{file}"
        searched = [trial for trial in trials.by_number.values() if trial.phase == "search"]
        study_of(search, searched, storage)
        return file.read_bytes()
