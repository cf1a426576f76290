"""Who gets past the frame and under which name they act, in every situation that a server can be in."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit import config
from streamlit.runtime.secrets import secrets_singleton
from streamlit.testing.v1 import AppTest

from mnistnet.nets.presets import FIRST
from mnistnet.runs.run import RunState
from mnistnet.runs.store import transitions
from mnistnet.runs.store.store import Store
from mnistnet.ui import auth
from tests.support.logins import AUTH, PROVIDER_KEYS, written
from tests.support.pages import APP, PAGES, button, texts
from tests.support.situations import DIGITS, running

NETWORK = "0.0.0.0"
ANN = {"is_logged_in": True, "email": "ann@example.org", "iss": "https://login.example.org", "sub": "1"}
ROOT = ANN | {"email": "root@example.org"}
COMPLETE = written({"auth": AUTH, "mnistnet": {"administrators": ["root@example.org"]}})
REFUSAL = "This dashboard serves no network without a login."


class Server:
    """What the server was told: its address, its secrets file."""

    def __init__(self, secrets: Path) -> None:
        self.file = secrets
        self.set("secrets.files", [str(secrets)])

    def set(self, name: str, value: object) -> None:
        config.set_option(name, value, "a test")
        secrets_singleton._reset()

    def configure(self, secrets: str) -> None:
        self.file.write_text(secrets)
        secrets_singleton._reset()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """This machine only, no secrets; as it was before afterwards."""
    names = ("server.address", "server.trustedUserHeaders", "secrets.files")
    before = {name: (config.get_option(name), config.get_where_defined(name)) for name in names}
    yield Server(tmp_path / "secrets.toml")
    for name, (value, where) in before.items():
        config.set_option(name, value, where)
    secrets_singleton._reset()


def visited(user: dict[str, Any], page: str = "") -> AppTest:
    """The dashboard as `user` sees it after their first look at `page`."""
    app = AppTest.from_file(APP, default_timeout=30)
    app.user = user
    app.run()
    if page:
        app.switch_page(PAGES[page]).run()
    assert not app.exception
    return app


def is_inside(app: AppTest) -> bool:
    """Whether they got to see a page."""
    return any(element.label == "Start training" for element in app.button)


def test_on_this_machine_without_a_login_everyone_is_inside_and_nobody(server: Server) -> None:
    assert is_inside(visited({}))
    assert auth.user() is None
    assert auth.owner() == ""


@pytest.mark.parametrize("address", [None, "0.0.0.0", "::", "192.168.1.2", "somewhere"])
def test_a_network_without_a_login_is_refused(address: str | None, server: Server) -> None:
    server.set("server.address", address)
    app = visited({})
    assert not is_inside(app)
    assert REFUSAL in texts(app)
    with pytest.raises(auth.NotLoggedIn):
        auth.user()


@pytest.mark.parametrize(
    "secrets",
    [
        "",
        "[auth\n",
        "[auth]\n",
        written({"auth": AUTH | {"cookie_secret": "short"}}),
        written({"auth": {name: value for name, value in AUTH.items() if name != "client_id"}}),
    ],
)
def test_a_network_with_an_incomplete_login_is_refused_whoever_comes(secrets: str, server: Server) -> None:
    server.set("server.address", NETWORK)
    server.configure(secrets)
    app = visited(ANN)
    assert not is_inside(app)
    assert REFUSAL in texts(app)


def test_headers_that_browsers_send_are_never_believed(server: Server) -> None:
    server.set("server.address", NETWORK)
    server.set("server.trustedUserHeaders", {"X-Email": "email"})
    server.configure(COMPLETE)
    app = visited(ANN)
    assert not is_inside(app)
    assert REFUSAL in texts(app)


@pytest.mark.parametrize("address", ["127.0.0.1", NETWORK])
@pytest.mark.parametrize(
    "user", [{}, {"is_logged_in": False}, ANN | {"is_logged_in": False}, {"email": "ann@example.org"}]
)
def test_where_a_login_is_configured_everyone_needs_it(user: dict[str, Any], address: str, server: Server) -> None:
    server.set("server.address", address)
    server.configure(COMPLETE)
    app = visited(user)
    assert not is_inside(app)
    assert [element.label for element in app.button] == ["Log in"]


def test_who_is_logged_in_is_inside_and_can_leave(server: Server) -> None:
    server.set("server.address", NETWORK)
    server.configure(COMPLETE)
    app = visited(ANN)
    assert is_inside(app)
    button(app, "Log out").click().run()
    assert not is_inside(app)


def test_a_login_that_names_nobody_is_no_login(server: Server) -> None:
    server.set("server.address", NETWORK)
    server.configure(COMPLETE)
    app = visited({"is_logged_in": True, "name": "ann@example.org"})
    assert not is_inside(app)
    assert "says neither a verified e-mail address" in texts(app)


def test_several_providers_are_offered_by_name(server: Server) -> None:
    provider = {key: AUTH[key] for key in PROVIDER_KEYS}
    common = {key: value for key, value in AUTH.items() if key not in PROVIDER_KEYS}
    server.configure(written({"auth": common, "auth.okta": provider, "auth.google": provider}))
    assert [element.label for element in visited({}).button] == ["Log in with okta", "Log in with google"]


# What they do is done in their name


@pytest.fixture
def shared(server: Server, still: Store) -> Store:
    """The store of a server on a network that everyone logs in to."""
    server.set("server.address", NETWORK)
    server.configure(COMPLETE)
    return still


def of_somebody(store: Store, owner: str) -> str:
    """A run in its second epoch that `owner` started."""
    run = running(store)
    with store.database.transaction() as connection:
        connection.execute("UPDATE runs SET owner = ? WHERE id = ?", (owner, run.id))
    return run.id


def test_a_started_run_belongs_to_who_started_it(shared: Store) -> None:
    button(visited(ANN), "Start training").click().run()
    assert [run.owner for run in shared.runs()] == ["ann@example.org"]


@pytest.mark.parametrize("owner", ["bob@example.org", ""])
def test_somebody_elses_run_cannot_be_stopped(owner: str, shared: Store) -> None:
    run_id = of_somebody(shared, owner)
    stop = visited(ANN, "train").button(key="stop-run")
    assert stop.disabled
    assert "only they or an administrator may" in stop.help
    assert not shared.run(run_id).stop_requested


@pytest.mark.parametrize(("user", "owner"), [(ANN, "ann@example.org"), (ROOT, "ann@example.org"), (ROOT, "")])
def test_the_owner_and_an_administrator_can_stop_a_run(user: dict[str, Any], owner: str, shared: Store) -> None:
    run_id = of_somebody(shared, owner)
    visited(user, "train").button(key="stop-run").click().run()
    assert shared.run(run_id).stop_requested


@pytest.fixture
def careless(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page whose buttons forget whose run it is."""
    monkeypatch.setattr(auth, "objection", lambda run: None)


def test_the_store_refuses_a_stop_that_the_page_let_through(shared: Store, careless: None) -> None:
    run_id = of_somebody(shared, "bob@example.org")
    app = visited(ANN, "train")
    app.button(key="stop-run").click().run()
    assert not shared.run(run_id).stop_requested
    assert "only they or an administrator may" in texts(app)


def test_the_store_refuses_a_resume_that_the_page_let_through(shared: Store, careless: None) -> None:
    run_id = of_somebody(shared, "bob@example.org")
    transitions.finish(shared, run_id, RunState.INTERRUPTED)
    app = visited(ANN, "train")
    app.button(key="resume-run").click().run()
    assert shared.run(run_id).state is RunState.INTERRUPTED
    assert "only they or an administrator may" in texts(app)


def test_the_queue_does_not_stop_somebody_elses_run_either(shared: Store, careless: None) -> None:
    run_id = of_somebody(shared, "bob@example.org")
    newest = shared.enqueue(FIRST.architecture, DIGITS, owner="ann@example.org")
    app = visited(ANN, "train")
    assert app.button(key="stop-run").proto.id
    app.button(key=f"stop-{run_id}").click().run()
    assert not shared.run(run_id).stop_requested
    assert shared.run(newest.id).state is RunState.QUEUED


@pytest.mark.parametrize("press", ["Start training", "Stop"])
def test_who_was_logged_out_meanwhile_acts_no_more(press: str, shared: Store) -> None:
    run_id = of_somebody(shared, "ann@example.org")
    app = visited(ANN, "train" if press == "Stop" else "")
    app.user = ANN | {"is_logged_in": False}
    button(app, press).click().run()
    assert not is_inside(app)
    assert [run.id for run in shared.runs()] == [run_id]
    assert not shared.run(run_id).stop_requested
