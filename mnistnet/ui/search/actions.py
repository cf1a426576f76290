"""The actions of users on a search and its trials: callbacks of buttons. The folder checks each again."""

from collections.abc import Callable

import streamlit as st

from mnistnet.errors import MnistnetError
from mnistnet.lessons.controls import START_FROM
from mnistnet.nets.architecture import Architecture
from mnistnet.search import control
from mnistnet.search import folder as folders
from mnistnet.search.folder import SearchFolder
from mnistnet.training.recipe import Recipe
from mnistnet.ui import app, auth, cache, notifications, session
from mnistnet.ui.lessons import held
from mnistnet.ui.search import reading


def pause(search_id: str) -> None:
    """Start no further training of the search."""
    _act(lambda: control.pause(_folder(search_id), by=auth.user()))


def stop(search_id: str) -> None:
    """End the search with its trainings."""
    _act(lambda: control.stop(_folder(search_id), by=auth.user()))


def resume(search_id: str) -> None:
    """Let the search go on."""
    _act(lambda: control.resume(_folder(search_id), by=auth.user()))


def extend(search_id: str, key: str) -> None:
    """Let the search have as many trials more as the widget `key` says."""
    _act(lambda: control.extend(_folder(search_id), int(st.session_state[key]), by=auth.user()))


def delete(search_id: str) -> None:
    """Delete the search, not its runs, and show another."""
    _act(lambda: _deleted(search_id))


def _deleted(search_id: str) -> None:
    folders.delete(_folder(search_id), by=auth.user())
    session.search.set(None)
    notifications.notify(f"Search {search_id} is deleted; its runs are not.")


def _folder(search_id: str) -> SearchFolder:
    return SearchFolder(cache.store(), search_id)


def _act(action: Callable[[], object]) -> None:
    try:
        action()
    except MnistnetError as error:
        notifications.notify(str(error))
    reading.forget()


def see_mistakes(run_id: str) -> None:
    """Show the mistakes of a run next."""
    session.run_id.set(run_id)
    app.go_to("pages/mistakes.py")


def open_design(design: Architecture, recipe: Recipe) -> None:
    """Make the design and recipe of a trial the current ones, and show them."""
    if not held.refuses(START_FROM):
        session.design.set(design)
        session.recipe.set(recipe)
        app.go_to("pages/design.py")
