"""Names and messages from strangers on every page: shown letter by letter, and nothing but shown."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

import pytest
from filelock import BaseFileLock
from playwright.sync_api import Dialog, Page

from mnistnet import links
from mnistnet.nets.presets import FIRST
from mnistnet.runs.files import locks
from mnistnet.runs.run import Run, RunState
from mnistnet.runs.store import transitions
from mnistnet.runs.store.store import Store
from tests.browser import screen
from tests.browser.conftest import Dashboard
from tests.support import situations

pytestmark = [pytest.mark.browser, pytest.mark.bar("F11")]

NAMES = (
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "[x](javascript:alert(1))",
    "![x](http://example.com/x.png)",
    "http://example.com/a www.example.com a@example.com",
    ":material/home:",
    ":material_home: :streamlit: :red[x] :small[y]",
    "a -> b <- c <-> d -- e >= f <= g ~= h",
    "$x$ $$y$$ `z` **w** ~~v~~ # &amp; \\ | _u_",
    "שלום مرحبا shalom",
    "W" * 80,
    "../../etc/passwd",
    "/abs",
    "CON",
    "{{x}} ${x} %s {0}",
)
# Many at once, so that few pages need to be opened.
JOINED = (
    "<img src=x onerror=alert(1)> :material/home: a -> b $x$ <script>1</script>",
    "[x](javascript:alert(1)) ![x](http://example.com/x.png) :material_home: www.e.co",
)
_INVISIBLE = "\u2060"  # which keeps Streamlit from making icons and links


def failed(store: Store, name: str) -> Run:
    """A run of this name whose message and log say the same."""
    run = situations.running(store, design=FIRST.architecture.renamed(name))
    transitions.finish(store, run.id, RunState.FAILED, name)
    (store.folder(run.id) / "log.txt").write_text(f"{name}\n{name}\n")
    return run


@contextmanager
def at_work(store: Store, name: str) -> Iterator[Run]:
    """A run of this name that seems to train: its lock is held by this process."""
    run = situations.running(store, design=FIRST.architecture.renamed(name))
    lock: BaseFileLock | None = locks.hold(locks.of_run(store.folder(run.id)))
    assert lock is not None
    yield run
    lock.release()
    transitions.finish(store, run.id, RunState.STOPPED)


class Witness:
    """What the page asked of other hosts and of the person in front of it."""

    def __init__(self, page: Page, home: str) -> None:
        self.asked: list[str] = []
        self.dialogs: list[str] = []
        self.ours = (home, home.replace("http", "ws", 1), "data:", "blob:")
        page.on("request", lambda request: self.see(request.url))
        page.on("websocket", lambda socket: self.see(socket.url))
        page.on("dialog", self.answer)

    def see(self, url: str) -> None:
        if not url.startswith(self.ours):
            self.asked.append(url)

    def answer(self, dialog: Dialog) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()


def shown(page: Page) -> str:
    """All that can be read, in fields as well, without what cannot be seen."""
    fields = page.locator("input").evaluate_all("inputs => inputs.map(input => input.value)")
    return "\n".join([page.locator("body").inner_text(), *fields]).replace(_INVISIBLE, "")


@pytest.mark.parametrize("name", JOINED, ids=["html and icons", "links and images"])
def test_a_strange_name_is_shown_letter_by_letter_on_every_page(dashboard: Dashboard, page: Page, name: str) -> None:
    store = Store(dashboard.store)
    witness = Witness(page, dashboard.url)
    design = quote(links.encode_design(FIRST.architecture.renamed(name)))
    run = failed(store, name)
    with at_work(store, name):
        for path in screen.PAGES:
            screen.open_page(page, f"{dashboard.url}/{path}?design={design}&run={run.id}&network={run.id}")
            screen.wait_for(lambda: name in shown(page), 10, f"the name on {path}")
            assert page.locator("[data-testid=stMain] a[href*='example'], a[href*='e.co'], img[src='x']").count() == 0
    assert witness.dialogs == []
    assert witness.asked == []


def test_every_kind_of_name_and_message_is_shown_letter_by_letter(dashboard: Dashboard, page: Page) -> None:
    """Train says a run's message and log, Compare draws the names."""
    store = Store(dashboard.store)
    witness = Witness(page, dashboard.url)
    runs = [failed(store, name) for name in NAMES]
    everything = " · ".join(NAMES)
    with store.database.transaction() as connection:
        connection.execute("UPDATE runs SET message = ? WHERE id = ?", (everything, runs[0].id))
    screen.open_page(page, f"{dashboard.url}/train?run={runs[0].id}")
    message = page.get_by_test_id("stMain").get_by_test_id("stMarkdown").filter(has_text="shalom")
    assert message.inner_text().replace(_INVISIBLE, "") == everything
    assert message.locator("a, img, [role=img], .katex").count() == 0
    assert page.get_by_test_id("stCode").first.inner_text() == f"{NAMES[0]}\n{NAMES[0]}"
    screen.go_to(page, "Compare")
    drawn = page.get_by_test_id("stMultiSelect").inner_text()
    assert [name for name in NAMES[-5:] if name not in drawn] == []
    assert witness.dialogs == []
    assert witness.asked == []


def test_a_name_that_looks_like_a_path_makes_no_file_elsewhere(dashboard: Dashboard, page: Page) -> None:
    store = Store(dashboard.store)
    runs = {failed(store, name).id for name in ("../../etc/passwd", "/abs", "CON", "..", "~root")}
    design = quote(links.encode_design(FIRST.architecture.renamed("../../etc/passwd")))
    screen.open_page(page, f"{dashboard.url}/?design={design}")
    page.get_by_test_id("stPopover").filter(has_text="File").get_by_role("button").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as a design file").click()
    assert download.value.suggested_filename == "------etc-passwd.json"
    for title in ("Train", "Mistakes"):
        screen.go_to(page, title)
    assert {entry.name for entry in dashboard.store.parent.iterdir()} <= {"runs", "dashboard.log"}
    assert {entry.name for entry in dashboard.store.iterdir() if entry.is_dir()} == runs
