"""The order of the house, read from its source: who may import whom, where Streamlit lives, what stays small."""

import ast
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mnistnet.runs.run import RunState
from mnistnet.runs.store import transitions
from mnistnet.runs.store.store import Store
from tests.support.samples import metrics, running

HOUSE = Path(__file__).parents[1]
ENTRY = "streamlit_app"
PAGES = sorted((HOUSE / "pages").glob("*.py"))
PACKAGE = sorted((HOUSE / "mnistnet").rglob("*.py"))
FILES = [*PACKAGE, *PAGES, HOUSE / f"{ENTRY}.py"]

# From the ground up. A file may import its own room and everything below; rooms of one floor know nothing of
# each other.
FLOORS = (
    {"mnistnet.errors", "mnistnet.strict_json", "mnistnet.login", "mnistnet.containers"},
    {"mnistnet.system", "mnistnet.extras"},
    {"mnistnet.nets"},
    {"mnistnet.data"},
    {"mnistnet.training"},
    {"mnistnet.gallery"},
    {"mnistnet.runs"},
    {"mnistnet.insight"},
    {"mnistnet.links", "mnistnet.charts"},
    {"mnistnet.handins", "mnistnet.review", "mnistnet.lessons", "mnistnet.search"},
    {"mnistnet.exports"},
    {"mnistnet.cli", "mnistnet.api"},
    {"mnistnet.ui", "mnistnet.__main__"},
    {"pages", ENTRY},
)
FLOOR = {room: height for height, rooms in enumerate(FLOORS) for room in rooms}

STREAMLIT_ROOMS = {"mnistnet.ui", "pages", ENTRY}
LONGEST_PAGE = 80
LONGEST_FILE = 250
LONGEST_FUNCTION = 40  # a kernel's loop has no parts and may be longer
MOST_FILES = 13  # of a room, without its __init__.py


def relative(file: Path) -> str:
    return file.relative_to(HOUSE).as_posix()


def module(file: Path) -> str:
    return ".".join(file.relative_to(HOUSE).with_suffix("").parts).removesuffix(".__init__")


# What the first paint needs. Each is imported in an interpreter of its own.
INSTANT = (
    "mnistnet.nets.architecture",
    "mnistnet.nets.summary",
    "mnistnet.nets.rules",
    "mnistnet.nets.presets",
    "mnistnet.training.recipe",
    "mnistnet.training.estimate",
    "mnistnet.data.splits",
    "mnistnet.links",
    "mnistnet.runs.store.store",
    "mnistnet.runs.worker.supervisor",
    "mnistnet.gallery",
    "mnistnet.insight.predictions.peers",
    "mnistnet.training.presets",
    "mnistnet.training.progress",
    "mnistnet.insight.predictions.evaluation",
    "mnistnet.insight.predictions.verdict",
    *(module(file) for room in ("charts", "ui") for file in sorted((HOUSE / "mnistnet" / room).rglob("[a-z]*.py"))),
)


def imports(file: Path) -> list[str]:
    """Every module or name that the file imports anywhere, functions included."""
    package = module(file) if file.name == "__init__.py" else module(file).rpartition(".")[0]
    return list(imported(file.read_text(encoding="utf-8"), package))


def imported(source: str, package: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            outer = package.split(".")[: package.count(".") + 2 - node.level] if node.level else []
            base = [*outer, *([node.module] if node.module else [])]
            yield from (".".join([*base, alias.name]) for alias in node.names)


def room(name: str) -> str | None:
    """The room of the table that a module belongs to; None for what is not ours."""
    return next((room for room in FLOOR if name == room or name.startswith(f"{room}.")), None)


def points_down(file: Path, name: str) -> bool:
    own, other = room(module(file)), room(name)
    return own is None or other is None or own == other or FLOOR[other] < FLOOR[own]


def occurrences(text: str, files: list[Path]) -> set[str]:
    """The files whose source contains the text."""
    return {relative(file) for file in files if text in file.read_text(encoding="utf-8")}


def test_every_file_has_its_place_in_the_order() -> None:
    homeless = [relative(file) for file in FILES if module(file) != "mnistnet" and room(module(file)) is None]
    assert homeless == []


def test_every_import_from_the_house_leads_to_a_place_in_the_order() -> None:
    stray = [
        f"{relative(file)} imports {name}"
        for file in FILES
        for name in imports(file)
        if name.split(".")[0] in ("mnistnet", "pages", ENTRY, "tests") and room(name) is None
        if name != "mnistnet.__version__"
    ]
    assert stray == []


@pytest.mark.parametrize("file", FILES, ids=relative)
def test_imports_point_down(file: Path) -> None:
    assert [f"{relative(file)} imports {name}" for name in imports(file) if not points_down(file, name)] == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import mnistnet.ui.session as session", "mnistnet.ui.session"),
        ("from mnistnet import ui", "mnistnet.ui"),
        ("from mnistnet.ui import session", "mnistnet.ui.session"),
        ("from . import limits", "mnistnet.runs.limits"),
        ("from ..ui import session", "mnistnet.ui.session"),
        ("def late():\n    from mnistnet.ui import session", "mnistnet.ui.session"),
    ],
)
def test_an_import_is_found_however_it_is_written(source: str, found: str) -> None:
    assert list(imported(source, "mnistnet.runs")) == [found]


@pytest.mark.parametrize(
    "name", ["mnistnet.ui.session", "mnistnet.insight.predictions.evaluation", "pages.train", "mnistnet.links"]
)
def test_the_store_would_not_be_allowed_what_lies_above_it(name: str) -> None:
    assert not points_down(HOUSE / "mnistnet" / "runs" / "store" / "store.py", name)


def test_charts_would_not_be_allowed_their_neighbours() -> None:
    assert not points_down(HOUSE / "mnistnet" / "charts" / "curves.py", "mnistnet.cli.documents")


def test_streamlit_is_imported_only_by_the_shell() -> None:
    users = {room(module(file)) for file in FILES if any(name.split(".")[0] == "streamlit" for name in imports(file))}
    assert users <= STREAMLIT_ROOMS


def test_session_state_is_touched_only_in_ui() -> None:
    outside = [file for file in FILES if room(module(file)) != "mnistnet.ui"]
    assert occurrences("session_state", outside) == set()


def test_no_file_lets_html_through() -> None:
    assert occurrences("unsafe_allow_html", FILES) == set()


def test_backward_is_called_once() -> None:
    calls = [
        relative(file)
        for file in PACKAGE
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "backward"
    ]
    assert calls == ["mnistnet/training/loop.py"]


@pytest.mark.parametrize("file", PAGES, ids=relative)
def test_a_page_is_short(file: Path) -> None:
    assert len(file.read_text(encoding="utf-8").splitlines()) <= LONGEST_PAGE


@pytest.mark.parametrize("file", PACKAGE, ids=relative)
def test_a_file_of_the_package_is_short(file: Path) -> None:
    assert len(file.read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE


@pytest.mark.parametrize("file", [file for file in PACKAGE if "kernels" not in file.parts], ids=relative)
def test_a_function_of_the_package_is_short(file: Path) -> None:
    functions = [
        (node.name, (node.end_lineno or 0) - node.lineno + 1)
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
    ]
    assert [(name, lines) for name, lines in functions if lines > LONGEST_FUNCTION] == []


def test_no_room_is_crowded() -> None:
    rooms = Counter(file.parent for file in PACKAGE if file.name != "__init__.py")
    assert {relative(room): count for room, count in rooms.items() if count > MOST_FILES} == {}


# What stays unimported

_IMPORT = """
import importlib, json, sys
guilty = [name for name in {names!r} if importlib.import_module(name) and "torch" in sys.modules]
print(json.dumps(guilty[:1]))
"""

_VISIT = """
import json, sys
from streamlit.testing.v1 import AppTest
app = AppTest.from_file("streamlit_app.py", default_timeout=60).run()
if {page!r} != "pages/design.py":
    app.switch_page({page!r}).run()
print(json.dumps({{
    "title": app.title[0].value,
    "problems": [problem.value for problem in app.exception],
    "charts": len(app.get("vega_lite_chart")),
    "torch": "torch" in sys.modules,
}}))
"""


def printed(code: str) -> Any:
    """What `code` prints as its last line, in an interpreter of its own that stands in the house."""
    path = os.pathsep.join([str(HOUSE), os.environ.get("PYTHONPATH", "")])
    ended = subprocess.run(
        [sys.executable, "-c", code],
        cwd=HOUSE,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout.splitlines()[-1])


def test_nothing_that_the_first_paint_needs_imports_torch() -> None:
    assert printed(_IMPORT.format(names=INSTANT)) == []


@pytest.mark.parametrize(("page", "title", "charts"), [("design", "Design", 0), ("train", "Train", 2)])
def test_a_visit_to_the_page_draws_it_without_torch(page: str, title: str, charts: int, store: Store) -> None:
    run = running(store)
    transitions.record_epoch(store, run.id, metrics(1))
    transitions.finish(store, run.id, RunState.STOPPED)
    assert printed(_VISIT.format(page=f"pages/{page}.py")) == {
        "title": title,
        "problems": [],
        "charts": charts,
        "torch": False,
    }
