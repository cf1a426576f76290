"""What every test may lean on. Where MNIST or Chromium is missing, their tests skip and say so;
under MNISTNET_REQUIRE (as in CI: "mnist browser") they fail instead."""

import os
import shutil
import signal
from collections.abc import Generator, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from mnistnet.data import datasets
from mnistnet.runs.store.store import Store
from mnistnet.runs.worker import compilation, supervisor
from tests.support import alone
from tests.support.processes import supervisors, until, workers
from tests.support.searching import stop_searches

# Without the last three Chromium itself looks for Google's hosts at every start.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# What `make test-fast` leaves out, by folder, file or test below tests/: browsers, fault injection, whole trainings,
# sessions of pages, processes that start anew, and files of which a few tests take seconds.
SLOW = (
    "benchmarks/",
    "browser/",
    "cli/test_command_line.py",
    "cli/test_serving.py",
    "exports/test_examples.py",
    "exports/report/test_report.py",
    "exports/report/test_series.py",
    "exports/code/",
    "exports/test_classroom.py",
    "exports/test_handin.py",
    "exports/test_notebook.py",
    "exports/test_onnx.py",
    "faults/",
    "gallery/test_gallery.py::test_the_weights_answer_the_test_set_as_they_were_scored",
    "runs/backup/",
    "runs/store/test_database.py",
    "runs/store/test_store.py::test_eight_processes_claiming_at_once_claim_each_run_once",
    "runs/test_elsewhere.py",
    "runs/worker/",
    "search/test_address.py::test_a_local_search_imports_no_dask_and_opens_no_socket",
    "search/test_local.py",
    "search/test_controller.py::test_killed_after_any_line_of_its_log_it_goes_on_to_the_same_end",
    "search/test_cluster.py",
    "test_api.py",
    "test_kept.py::test_a_run_of_before_is_resumed_where_it_stood",
    "training/kernels/test_cache.py",
    "training/test_acceleration.py",
    "training/test_inference.py::test_a_network_of_512_channels_answers_within_the_memory_it_may_have",
    "training/test_optimizers.py::test_a_run_never_waits_for_torchs_compiler",
    "ui/test_auth.py",
    "ui/test_compare_page.py",
    "ui/test_computations.py",
    "ui/test_export_page.py",
    "ui/test_layer_editor.py",
    "ui/test_lessons.py",
    "ui/test_lessons_page.py",
    "ui/test_mistakes_page.py",
    "ui/test_network_cache.py",
    "ui/test_pages.py",
    "ui/test_receptive_fields_page.py",
    "ui/test_run_states.py",
    "ui/test_search_page.py",
    "ui/test_try_a_digit_page.py",
    "ui/test_undo.py",
    "ui/test_url.py",
)
TESTS = Path(__file__).parent
_LOCKS = pytest.StashKey[TemporaryDirectory[str]]()
REQUIRED = os.environ.get("MNISTNET_REQUIRE", "").split()


def pytest_configure() -> None:
    # Before torch is imported, and sooner asleep than in the worker: with torch's own setting, two threads
    # beside two busy processes on two cores took 80 s for what takes one.
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    # Pages that tests open, also in servers of their own, compile nothing beside them.
    os.environ[compilation.SWITCH] = "off"
    # Started in the background by a script, we would be deaf to Ctrl-C, and so would all that we start.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)  # before pytest picks by marker
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if f"{_place(item)}::{item.name}".startswith(SLOW):
            item.add_marker("slow")
    # Two processes take a file at a time: the long ones first, or one process is left with a long one in the end.
    long_files = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in long_files)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a process that is to run tests where the locks of all of them are."""
    if (locks := node.config.stash.get(_LOCKS, None)) is None:
        locks = node.config.stash[_LOCKS] = TemporaryDirectory(prefix="mnistnet-tests-")
    node.workerinput[alone.FOLDER] = locks.name


@pytest.hookimpl(wrapper=True, tryfirst=True)  # outside the time limit: waiting is no part of the test
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    with alone.turn(item):
        return (yield)


def _place(item: pytest.Item) -> str:
    return item.path.relative_to(TESTS).as_posix()


def _missing(name: str) -> str | None:
    if name == "mnist" and not datasets.is_here("mnist"):
        return f"MNIST is not in {datasets.root().resolve()}: set MNISTNET_DATA"
    if name == "browser" and not shutil.which("chromium"):
        return "no `chromium` on PATH"
    return None


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("posix") and os.name == "nt":
        pytest.skip("Windows has no such thing: mnistnet/system.py says what follows")
    for name in ("mnist", "browser"):
        reason = _missing(name) if item.get_closest_marker(name) else None
        if reason and name in REQUIRED:
            pytest.fail(reason)
        if reason:
            pytest.skip(reason)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """An empty store of its own; whatever still runs in it is stopped afterwards."""
    monkeypatch.setenv("MNISTNET_STORE", str(tmp_path / "runs"))
    store = Store()
    yield store
    stop_searches(store)
    for run in store.active():
        store.request_stop(run.id)
    until(lambda: not supervisors(store) and not workers(store))
    supervisor._alive()  # or Python warns at its end that nobody asked what became of them


@pytest.fixture
def still(store: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """The same store, in which states stay as a test sets them: no supervisor is woken, and pages read it afresh."""
    from mnistnet.ui import cache, computations  # Streamlit: a second of importing that most tests do without

    cache.forget()
    cache._metrics.clear()
    computations._computations.clear()
    cache._stored_evaluation.clear()
    cache.images.clear()
    monkeypatch.setattr(supervisor, "ensure", lambda store: None)
    monkeypatch.setattr(supervisor, "mark_dead", lambda store, active: None)
    return store


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests that look: a second Playwright beside the first would refuse to start."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        yield chromium
        chromium.close()
