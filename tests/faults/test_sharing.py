"""Who reaches a dashboard and what they may do there, against people who do not ask nicely: real processes."""

import http.client
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from websockets.exceptions import InvalidStatus

from mnistnet import links
from mnistnet.runs.run import RunState
from mnistnet.runs.store.store import Store
from mnistnet.runs.users import NotOwner, User
from tests.browser import screen
from tests.support.dashboards import PROJECT, XSRF, Dashboard, free_port, searched, session, started, upload
from tests.support.logins import AUTH, Provider, provider, written
from tests.support.processes import supervisors, until, workers
from tests.support.samples import TINY, recipe

WORK = "Start training"  # what only people who may be there get to see
REFUSAL = "This dashboard serves no network without a login."
ADMINISTRATOR = "root@example.org"
PATIENCE = 60_000  # milliseconds
# What Python itself reports of every address that the process asks for or connects to.
LISTEN_IN = """
import os, sys

def look(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname"):
        with open(os.environ["ASKED"], "a") as file:
            print(event, arguments[1] if event in ("socket.connect", "socket.sendto") else arguments[0], file=file)

sys.addaudithook(look)
"""


# One dashboard for this machine, started in a folder of its own


@dataclass
class Alone:
    dashboard: Dashboard
    folder: Path
    asked: Path


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alone]:
    folder = tmp_path_factory.mktemp("elsewhere")
    asked = folder / "asked.txt"
    asked.touch()
    port = free_port()
    command = ("mnistnet", "dashboard", "--port", str(port))
    variables = {"PYTHONPATH": searched(folder, LISTEN_IN), "ASKED": str(asked)}
    with started(*command, log=folder / "log.txt", port=port, folder=folder, variables=variables) as dashboard:
        yield Alone(dashboard, folder, asked)
    assert "Traceback" not in dashboard.said


@pytest.mark.bar("F14")
def test_a_start_and_a_first_visit_ask_nothing_of_any_other_machine(alone: Alone) -> None:
    with session(alone.dashboard.port) as visit:
        said = visit.run().said
    assert alone.asked.read_text().splitlines() == []
    assert WORK in said


@pytest.mark.posix
def test_small_answers_on_one_connection_do_not_wait_for_each_other(alone: Alone) -> None:
    with session(alone.dashboard.port) as visit:
        visit.run()
    browser, seconds = http.client.HTTPConnection("127.0.0.1", alone.dashboard.port), []
    for _ in range(40):
        began = time.monotonic()
        browser.request("GET", "/_stcore/host-config")
        assert browser.getresponse().read()
        seconds.append(time.monotonic() - began)
    browser.close()
    assert min(seconds[1:]) < 0.03, seconds  # each takes 0.04 with Nagle's algorithm; the first never waits


@pytest.mark.bar("F14")
def test_only_this_machine_can_connect(alone: Alone) -> None:
    assert alone.dashboard.listens_on() == {"127.0.0.1"}


@pytest.mark.bar("F14")
def test_a_page_under_a_foreign_name_that_leads_here_is_refused(alone: Alone) -> None:
    with pytest.raises(InvalidStatus, match="403"), session(alone.dashboard.port, host="evil.example"):
        pass


@pytest.mark.bar("F14")
def test_a_foreign_page_is_refused(alone: Alone) -> None:
    with pytest.raises(InvalidStatus, match="403"), session(alone.dashboard.port, origin="https://evil.example"):
        pass


@pytest.mark.bar("F14")
def test_a_file_over_the_limit_is_refused_by_the_server(alone: Alone) -> None:
    port = alone.dashboard.port
    with session(port) as visit:
        visit.run()
        assert upload(port, visit.id, 64 * 1024) == 204
        assert upload(port, visit.id, 5 * 1024 * 1024 + 1) == 413


def test_the_store_is_the_one_where_people_stand(alone: Alone) -> None:
    store = Store(alone.folder / "runs")
    run = store.enqueue(TINY, recipe())
    store.request_stop(run.id)
    with session(alone.dashboard.port) as visit:
        # A page may be a second behind the store.
        until(lambda: "Stopped before the first epoch was finished" in visit.run("train", f"run={run.id}").said)


def test_nobody_is_asked_to_log_in_on_this_machine(alone: Alone) -> None:
    with session(alone.dashboard.port) as visit:
        said = visit.run().said
    assert "Log in" not in said
    assert "Log out" not in said


# What breaks inside stays inside


@pytest.mark.bar("F14")
def test_what_went_wrong_is_in_the_log_and_not_in_the_browser(tmp_path: Path) -> None:
    house = tmp_path / "house"
    for folder in ("mnistnet", "pages", ".streamlit"):
        shutil.copytree(PROJECT / folder, house / folder, ignore=shutil.ignore_patterns("__pycache__", "secrets.toml"))
    shutil.copy(PROJECT / "streamlit_app.py", house)
    with (house / "pages" / "compare.py").open("a") as page:
        page.write('raise RuntimeError("the secret is 4711")\n')
    port = free_port()
    command = ("mnistnet", "dashboard", "--port", str(port))
    variables = {"PYTHONPATH": str(house)}
    with started(*command, log=tmp_path / "log.txt", port=port, folder=tmp_path, variables=variables) as dashboard:
        with session(port) as visit:
            said = visit.run("compare").said
        assert "Compare" in said
        for detail in ("4711", "RuntimeError", "Traceback", "compare.py", f"{house}/pages"):
            assert detail not in said
        log = until(lambda: dashboard.said if "4711" in dashboard.said else "")
        assert "RuntimeError: the secret is 4711" in re.sub(r"\x1b\[[0-9;]*m", "", log)  # colours, where there are any


# A network


def test_a_network_without_a_login_is_shown_a_refusal_and_nothing_else(tmp_path: Path) -> None:
    port = free_port()
    command = ("streamlit", "run", "streamlit_app.py", "--server.address=0.0.0.0", f"--server.port={port}")
    with started(*command, log=tmp_path / "log.txt", port=port) as dashboard:
        for page in (
            "train",
            "",
            "compare",
            "mistakes",
            "receptive_fields",
            "try_a_digit",
        ):  # the first before any frame was drawn
            with session(port) as visit:
                said = visit.run(page).said
                assert REFUSAL in said
                for secret in (WORK, "Start from", "No run yet", "Validation error", "auth"):
                    assert secret not in said
        assert "no page is shown: there is no [auth] section" in dashboard.said


@dataclass
class Shared:
    dashboard: Dashboard
    store: Store
    provider: Provider
    browser: Browser

    @property
    def url(self) -> str:
        return f"http://localhost:{self.dashboard.port}"

    def enter(self, name: str) -> Page:
        """Log in as someone, in a browser of their own."""
        self.provider.claims = {"sub": name, "email": f"{name}@example.org", "email_verified": True}
        page = self.browser.new_context().new_page()
        page.set_default_timeout(PATIENCE)
        page.goto(self.url)
        page.get_by_role("button", name="Log in").click()
        expect(page.locator("h1")).to_have_text("Design")
        screen.settle(page)
        return page


@pytest.fixture(scope="module")
def patient() -> Iterator[None]:
    """Playwright waits five seconds for what it expects; a busy machine takes longer to log someone in."""
    expect.set_options(timeout=PATIENCE)
    yield
    expect.set_options(timeout=5_000)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, browser: Browser, patient: None) -> Iterator[Shared]:
    folder, port = tmp_path_factory.mktemp("shared"), free_port()
    secrets = folder / "secrets.toml"
    command = ("mnistnet", "dashboard", "--port", str(port), "--share", "localhost")
    with provider() as known:
        auth = AUTH | {
            "redirect_uri": f"http://localhost:{port}/oauth2callback",
            "server_metadata_url": f"{known.url}/.well-known/openid-configuration",
        }
        secrets.write_text(written({"auth": auth, "mnistnet": {"administrators": [ADMINISTRATOR]}}))
        variables = {"STREAMLIT_SECRETS_FILES": str(secrets), "MNISTNET_STORE": str(folder / "runs")}
        with started(*command, log=folder / "log.txt", port=port, variables=variables) as dashboard:
            store = Store(folder / "runs")
            yield Shared(dashboard, store, known, browser)
            for run in store.active():
                store.request_stop(run.id)
            until(lambda: not supervisors(store) and not workers(store))


def cookies(context: BrowserContext) -> list[tuple[str, str]]:
    """What the browser would send to show who it is."""
    return [(cookie["name"], cookie["value"]) for cookie in context.cookies() if cookie["name"] != XSRF]


@pytest.mark.browser
def test_a_shared_dashboard_listens_everywhere_and_answers_to_its_name_only(shared: Shared) -> None:
    assert shared.dashboard.listens_on() == {"0.0.0.0"}
    with pytest.raises(InvalidStatus, match="403"), session(shared.dashboard.port, host="evil.example"):
        pass


@pytest.mark.browser
@pytest.mark.parametrize("sent", [(), [("_streamlit_user", "0|2|eyJpc19sb2dnZWRfaW4iOiB0cnVlfQ==")]])
def test_who_has_not_logged_in_sees_no_page(sent: list[tuple[str, str]], shared: Shared) -> None:
    for page in ("train", "", "compare"):
        with session(shared.dashboard.port, cookies=sent) as visit:
            said = visit.run(page).said
        assert "Log in" in said
        for secret in (WORK, "Start from", "No run yet", "Validation error"):
            assert secret not in said


@pytest.mark.browser
def test_a_run_is_stopped_by_its_owner_or_an_administrator_only(shared: Shared) -> None:
    store, port = shared.store, shared.dashboard.port
    ann, bob, root = (shared.enter(name) for name in ("ann", "bob", "root"))

    what = {"design": links.encode_design(TINY), "recipe": links.encode_recipe(recipe(epochs=100, batch_size=8))}
    screen.open_page(ann, f"{shared.url}/?{urlencode(what)}")
    ann.get_by_role("button", name="Start anyway").click()  # a fully connected layer
    expect(ann.locator("h1")).to_have_text("Train")
    run = store.runs()[0]
    assert run.owner == "ann@example.org"

    address = f"train?run={run.id}"
    screen.open_page(bob, f"{shared.url}/{address}")
    expect(bob.get_by_role("button", name="Stop")).to_be_disabled()
    with session(port, cookies=cookies(bob.context)) as visit:
        visit.run("train", f"run={run.id}")
        visit.run("train", f"run={run.id}", press=visit.button("Stop"))
    assert not store.run(run.id).stop_requested
    with pytest.raises(NotOwner, match=r"started by ann@example\.org"):
        store.request_stop(run.id, by=User("bob@example.org"))

    screen.open_page(root, f"{shared.url}/{address}")
    root.get_by_role("button", name="Stop").click()
    until(lambda: store.run(run.id).state is RunState.STOPPED)


@pytest.mark.browser
def test_who_logs_out_sees_no_page_any_more(shared: Shared) -> None:
    page = shared.enter("carol")
    expect(page.get_by_text("carol")).to_be_visible()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("button", name="Log in")).to_be_visible()
    expect(page.get_by_text(WORK)).to_have_count(0)
