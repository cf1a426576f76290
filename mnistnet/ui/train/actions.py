"""What people do with a run: callbacks of buttons. Each is checked again where it is done, whatever the page showed."""

from collections.abc import Callable

from mnistnet.errors import MnistnetError
from mnistnet.runs.worker import supervisor
from mnistnet.ui import auth, cache, session


def show(run_id: str) -> None:
    """Look at the run."""
    session.choose_run(run_id)
    session.go_to("pages/train.py")


def open_design(run_id: str) -> None:
    """Make the run's design and recipe the current ones."""
    run = cache.chosen(run_id)
    if run:
        session.set_design(run.architecture)
        session.set_recipe(run.recipe)
        session.go_to("pages/design.py")


def stop(run_id: str) -> None:
    """Ask the run to end."""
    _act(lambda: cache.store().request_stop(run_id, by=auth.user()))


def resume(run_id: str) -> None:
    """Put the run back into the queue."""
    _act(lambda: supervisor.resume(cache.store(), run_id, by=auth.user()))


def delete(run_id: str) -> None:
    """Remove the run and look at another."""
    _act(lambda: _deleted(run_id))


def _deleted(run_id: str) -> None:
    cache.store().delete(run_id, by=auth.user())
    session.choose_run(None)
    session.notify(f"Run {run_id} is deleted.")


def _act(action: Callable[[], object]) -> None:
    try:
        action()
    except MnistnetError as error:
        session.notify(str(error))
    cache.forget()
