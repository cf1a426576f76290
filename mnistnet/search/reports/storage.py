"""The trials of a search as a storage that Optuna and optuna-dashboard open."""

from pathlib import Path
from tempfile import TemporaryDirectory

from mnistnet.search.search import Search
from mnistnet.search.studies import study_of
from mnistnet.search.trials import Trials


def optuna_storage(search: Search, trials: Trials) -> bytes:
    """A SQLite file, `sqlite:///FILE` for Optuna: one study, the trials of the first phase. Raises MissingExtra."""
    with TemporaryDirectory(prefix="optuna-") as folder:
        file = Path(folder, "study.sqlite")
        storage = f"sqlite:///{file}"
        searched = [trial for trial in trials.by_number.values() if trial.phase == "search"]
        study_of(search, searched, storage)
        return file.read_bytes()
