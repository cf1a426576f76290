"""What people do with a run: callbacks of buttons. Each is checked again where it is done, whatever the page showed."""

from collections.abc import Callable

from mnistnet.errors import MnistnetError
from mnistnet.runs import supervisor
from mnistnet.ui import access, readers, state


def show(run_id: str) -> None:
    """Look at the run."""
    state.choose_run(run_id)
    state.go_to("pages/train.py")


def open_design(run_id: str) -> None:
    """Make the run's design and recipe the current ones."""
    run = readers.chosen(run_id)
    if run:
        state.put_design(run.architecture)
        state.put_recipe(run.recipe)
        state.go_to("pages/design.py")


def stop(run_id: str) -> None:
    """Ask the run to end."""
    _act(lambda: readers.store().request_stop(run_id, by=access.person()))


def resume(run_id: str) -> None:
    """Put the run back into the queue."""
    _act(lambda: supervisor.resume(readers.store(), run_id, by=access.person()))


def delete(run_id: str) -> None:
    """Remove the run and look at another."""
    _act(lambda: _deleted(run_id))


def _deleted(run_id: str) -> None:
    readers.store().delete(run_id, by=access.person())
    state.choose_run(None)
    state.tell(f"Run {run_id} is deleted.")


def _act(action: Callable[[], object]) -> None:
    try:
        action()
    except MnistnetError as error:
        state.tell(str(error))
    readers.forget()
