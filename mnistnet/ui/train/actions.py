"""The actions of users on a run: callbacks of buttons. The store checks each again, whatever the page showed."""

from collections.abc import Callable

from mnistnet.errors import MnistnetError
from mnistnet.lessons.controls import START_FROM
from mnistnet.runs.worker import supervisor
from mnistnet.ui import app, auth, cache, notifications, session
from mnistnet.ui.lessons import held


def show(run_id: str) -> None:
    """Show the run."""
    session.run_id.set(run_id)
    app.go_to("pages/train.py")


def show_search(search_id: str) -> None:
    """Show the search."""
    session.search.set(search_id)
    app.go_to("pages/search.py")


def open_design(run_id: str) -> None:
    """Make the run's design and recipe the current ones."""
    run = cache.chosen(run_id)
    if run and not held.refuses(START_FROM):
        session.design.set(run.architecture)
        session.recipe.set(run.recipe)
        app.go_to("pages/design.py")


def stop(run_id: str) -> None:
    """Ask the run to end."""
    _act(lambda: cache.store().request_stop(run_id, by=auth.user()))


def resume(run_id: str) -> None:
    """Put the run back into the queue."""
    _act(lambda: supervisor.resume(cache.store(), run_id, by=auth.user()))


def delete(run_id: str) -> None:
    """Delete the run and show another."""
    _act(lambda: _deleted(run_id))


def _deleted(run_id: str) -> None:
    cache.store().delete(run_id, by=auth.user())
    session.run_id.set(None)
    notifications.notify(f"Run {run_id} is deleted.")


def _act(action: Callable[[], object]) -> None:
    try:
        action()
        supervisor.refresh(cache.store())  # a stop or a queued run may need a supervisor
    except MnistnetError as error:
        notifications.notify(str(error))
    cache.forget()
