"""Every page in every state that a store and its data can be in: a sentence about it, and something to do."""

import shutil
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from mnistnet.nets.presets import FIRST
from mnistnet.runs.run import RunState
from mnistnet.runs.store import transitions
from mnistnet.runs.store.store import Store
from mnistnet.ui import cache
from tests.support import situations
from tests.support.pages import PAGES, button, opened, texts
from tests.support.samples import metrics
from tests.support.situations import STATES

pytestmark = pytest.mark.usefixtures("still")

ACTIVE = ("queued", "starting", "running")
ENDED = ("stopped", "failed", "interrupted", "diverged", "done")
# What the Train page says of a run and lets people do about it; the other pages lead there while something runs.
TRAIN = {
    "no data": ("No run yet: design a network and start one.", "Design a network"),
    "no runs": ("No run yet: design a network and start one.", "Design a network"),
    "queued": ("Waiting. Other runs queued or running: 0.", "Stop"),
    "starting": ("Starting its process.", "Stop"),
    "running": ("training", "Stop"),
    "stopped": ("Stopped after epoch 3. You can resume.", "Resume"),
    "failed": ("the reason", "Open its design"),
    "interrupted": ("Interrupted after epoch 3: the reason. You can resume.", "Resume"),
    "diverged": ("the reason", "Open its design"),
    "done": ("All 3 epochs finished.", "See its mistakes"),
}
# The other pages, where nothing runs. Where no button is named, there is a network or a run to choose.
IDLE = {
    "design": ("16,170 / 20,000", "Start training"),
    "compare": ("You have no run to compare yet", "Design a network"),
    "mistakes": ("test set of MNIST: ", ""),
    "receptive_fields": ("is the first in which the receptive field of every unit contains the whole", ""),
    "export": ("The trained weights for your own PyTorch code", ""),
    "try_a_digit": ("Draw a digit, choose a test digit or upload a picture", ""),
    "review": ("How large is the receptive field?", "Design: layers"),
    "search": ("Twelve short trainings at rates from an eighth to four times", "Start"),
    "check": ("Counts, builds and scores each network from its design and weights", ""),  # files can be uploaded
    "lessons": ("See what a kernel costs, and what it sees.", "Begin"),
}
TITLES = {"check": "Check a hand-in"}  # where the title is not the address in other letters
NO_DATA = {
    "design": ("MNIST is not on this machine yet", "Use the offline sample instead"),
    "mistakes": ("`python -m mnistnet data --dataset mnist` fetches and verifies it", "Reset filters"),
}
LOOKED_AT = {True: "test set of Offline sample", False: "held-out images of Offline sample"}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a run that was really trained, once for all pages."""
    root = tmp_path_factory.mktemp("trained") / "runs"
    situations.done(Store(root))
    return root


@pytest.fixture
def situation(request: pytest.FixtureRequest, store: Store, trained: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The store, and the folder of data sets, in the situation that the test is called for."""
    name: str = request.param
    if name == "no data":
        monkeypatch.setenv("MNISTNET_DATA", str(store.root / "nothing"))
    elif name in ENDED:  # with checkpoints and answers, as such runs have them
        shutil.copytree(trained, store.root, dirs_exist_ok=True)
        if name != "done":
            unscored = "test_errors = NULL, test_total = NULL, weights_sha256 = NULL"
            store.database.change(f"UPDATE runs SET state = ?, message = 'the reason', {unscored}", name)
    else:
        STATES[name](store)
    cache.forget()
    return name


def said(app: AppTest) -> str:
    """All that the page says, as it can be read: without Markdown's backslashes and what keeps icons out."""
    links = [link.label for link in app.page_link]
    tables = [table.value.to_string() for table in app.dataframe]
    return "\n".join([texts(app), *links, *tables]).replace("\\", "").replace("\u2060", "")


def offered(app: AppTest) -> list[str]:
    """The labels of what can be clicked."""
    return [*(link.label for link in app.page_link), *(button.label for button in app.button if not button.disabled)]


def expected(page: str, situation: str) -> tuple[str, str]:
    """A sentence on this page about this situation, and an action that it offers."""
    if page == "train":
        return TRAIN[situation]
    at_work = f"{FIRST.name}: {situation}, {1 if situation == 'running' else 0} of 3 epochs finished"
    if situation in ACTIVE:
        return at_work, at_work
    if situation == "no data" and page in ("design", "mistakes"):
        return NO_DATA[page]
    if situation in ENDED and page in ("compare", "mistakes"):
        return (situation, "") if page == "compare" else (LOOKED_AT[situation == "done"], "Next")
    return IDLE[page]


@pytest.mark.bar("E1")
@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("situation", TRAIN, indirect=True)
def test_every_page_says_how_things_stand_and_what_can_be_done(page: str, situation: str) -> None:
    app = opened(page)
    assert not app.exception
    assert app.title[0].value == TITLES.get(page, page.replace("_", " ").capitalize())
    sentence, action = expected(page, situation)
    assert sentence in said(app)
    assert not action or action in [label.replace("\\", "") for label in offered(app)], offered(app)
    assert offered(app) or app.selectbox or app.multiselect


def everything(store: Store) -> tuple[object, ...]:
    """Each row of the store and each byte of its folders, with the times at which files were written."""
    rows = [store.database.rows(f"SELECT * FROM {table}") for table in ("runs", "epochs")]
    files = {path: path.stat().st_mtime_ns for path in sorted(store.root.rglob("*")) if path.is_file()}
    return rows, files, [path.read_bytes() for path in files]


@pytest.mark.bar("S8")
@pytest.mark.parametrize("situation", ["done", "stopped"], indirect=True)
def test_predicting_and_drawing_change_no_row_and_no_byte(situation: str, store: Store) -> None:
    """Predictions of a stopped run are computed anew from its checkpoint."""
    run = store.runs()[0]
    before = everything(store)
    for page in PAGES:
        assert not opened(page, run=run.id, network=run.id, digit="3").exception
    app = opened("mistakes", run=run.id)
    app.segmented_control(key="mistakes-split").set_value("validation").run()
    button(app, "Next").click().run()
    app.button(key="see-fields").click().run()
    assert app.title[0].value == "Receptive fields"
    app = opened("train", run=run.id)
    app.segmented_control(key="second-curve-view").set_value("learning rate").run()
    button(app, "Open its design").click().run()
    assert app.title[0].value == "Design"
    assert not app.exception
    assert everything(store) == before


@pytest.mark.bar("F7")
def test_a_run_that_went_on_from_an_earlier_checkpoint_says_so(still: Store) -> None:
    run = situations.running(still)
    transitions.forget_epochs_after(
        still, run.id, 1, "the checkpoint of epoch 2 was damaged or gone: training went on from epoch 1"
    )
    assert "the checkpoint of epoch 2 was damaged or gone" in texts(opened("train")).replace("\\", "")
    for epoch in (2, 3):
        transitions.record_epoch(still, run.id, metrics(epoch))
    transitions.complete(still, run.id, (3, 297), "0" * 64)
    cache.forget()
    assert "training went on from epoch 1" in texts(opened("train")).replace("\\", "")


@pytest.mark.bar("E4")
def test_a_failed_run_shows_the_last_twenty_lines_of_its_log_to_be_copied(still: Store) -> None:
    run = situations.ended(RunState.FAILED)(still)
    lines = [f"line {number}" for number in range(50)]
    (still.folder(run.id) / "log.txt").write_text("\n".join(lines))
    (log,) = [code.value for code in opened("train").code if "line" in code.value]
    assert log.splitlines() == lines[-20:]


@pytest.mark.bar("F8")
def test_a_database_that_was_damaged_is_said_on_every_page_until_its_file_is_moved(still: Store) -> None:
    situations.queued(still)
    still.database.path.write_bytes(b"not a database " * 100)
    for page in PAGES:
        cache.forget()
        said = texts(opened(page))
        assert "A new one was built from the run folders" in said, page
    (aside,) = still.database.set_aside()
    aside.unlink()
    cache.forget()
    assert "A new one was built" not in texts(opened("train"))
