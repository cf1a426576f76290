"""A real dashboard in a process of its own and a real Chromium to look at it."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

PROJECT = Path(__file__).parents[2]


class Dashboard:
    """`streamlit run streamlit_app.py` as its users start it, on a free port and a store of its own."""

    def __init__(self, store: Path, log: Path) -> None:
        self.store, self.log = store, log
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://localhost:{self.port}"
        self.start()

    def start(self) -> None:
        """Start it and wait until it answers."""
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "streamlit", "run", "streamlit_app.py", "--server.port", str(self.port)],
                cwd=PROJECT,
                env={**os.environ, "MNISTNET_STORE": str(self.store)},
                stdout=output,
                stderr=output,
                start_new_session=True,  # a group of its own, for a Ctrl-C that goes to all of it
            )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                urllib.request.urlopen(f"{self.url}/_stcore/health").close()
                return
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.05)
        raise TimeoutError(self.log.read_text())

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait()


@pytest.fixture
def dashboard(tmp_path: Path) -> Iterator[Dashboard]:
    """One for a test that trains, kills or measures a cold start."""
    yield from started(tmp_path)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    """One for all tests of a file that only look: its store stays empty."""
    yield from started(tmp_path_factory.mktemp("shared"))


def started(folder: Path) -> Iterator[Dashboard]:
    """A dashboard on the store `runs` in the folder, whose log has no traceback in the end."""
    board = Dashboard(folder / "runs", folder / "dashboard.log")
    yield board
    board.kill()
    assert "Traceback" not in board.log.read_text()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh browser profile with one window."""
    context = browser.new_context(viewport={"width": 1400, "height": 950})
    window = context.new_page()
    window.set_default_timeout(20_000)
    yield window
    context.close()
