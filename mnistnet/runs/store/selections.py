"""Some of a store's runs, chosen by what they are: a read costs what it returns. All raise StoreError."""

from mnistnet.runs.run import Run
from mnistnet.runs.store import run_rows
from mnistnet.runs.store.run_rows import Reading
from mnistnet.runs.store.store import Store


def listed(store: Store) -> Reading:
    """The runs that lists may offer and those at work, the newest first, and the damaged ones among them.

    Left out are the trials of searches that have ended and were not scored.
    """
    return run_rows.parse(store.database.rows(run_rows.LISTED))


def latest(store: Store, most: int) -> list[Run]:
    """So many of the newest runs, trials included, without the damaged ones."""
    return run_rows.parse(store.database.rows(run_rows.query(most=most))).runs


def of_trial(store: Store, search: str, number: int) -> list[Run]:
    """The runs of a trial, one a seed, the newest first, without the damaged ones."""
    rows = store.database.rows(run_rows.query("runs.search = ? AND runs.trial = ?"), search, number)
    return run_rows.parse(rows).runs


def of_token(store: Store, token: str) -> Run | None:
    """The run that was made with this token; None where there is none, or it is damaged."""
    return next(iter(run_rows.parse(store.database.rows(run_rows.query("runs.token = ?"), token)).runs), None)
