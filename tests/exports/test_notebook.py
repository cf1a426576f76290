"""The exported notebook: valid, without outputs, readable whatever the design is called, and it runs."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from mnistnet.data import datasets
from mnistnet.exports.material import Material, of_run
from mnistnet.exports.notebook import notebook
from mnistnet.nets.architecture import Architecture
from mnistnet.nets.presets import PRESETS
from mnistnet.nets.summary import summarize
from mnistnet.runs.sources import GALLERY
from mnistnet.runs.store.store import Store
from mnistnet.training import recipe as recipes
from mnistnet.training.presets import RECIPES
from mnistnet.training.recipe import Recipe
from tests.exports.code.inspection import DESIGNS, inspected
from tests.support import idx
from tests.support.samples import TINY

SMALLEST = PRESETS["mnistnet-min"].architecture
HOSTILE_NAMES = (
    "<script>alert(1)</script>",
    "[x](javascript:alert)",
    "```python",
    "$\\href{x}{y}$",
    "| a | b",
    "www.x.y",
    "%% !ls",
)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def cells(material: Material, kind: str) -> list[str]:
    """The texts of the cells of one kind."""
    return ["".join(cell["source"]) for cell in json.loads(notebook(material))["cells"] if cell["cell_type"] == kind]


def executed(material: Material, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> dict[str, Any]:
    """What is defined after all code cells have run in order, with other values for the first settings."""
    plt = pytest.importorskip("matplotlib.pyplot", reason="matplotlib is not installed")
    plt.switch_backend("agg")
    shown: list[int] = []
    monkeypatch.setattr(plt, "show", lambda: shown.append(len(plt.gcf().axes)))
    defined: dict[str, Any] = {"shown": shown}
    for cell in cells(material, "code"):
        exec(compile(cell, "cell", "exec"), defined)
        defined |= {name: value for name, value in settings.items() if name in defined}
    plt.close("all")
    return defined


@pytest.mark.parametrize("recipe", RECIPES)
def test_it_is_a_notebook_without_outputs(recipe: str) -> None:
    nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")
    text = notebook(Material(SMALLEST, recipes.recipe(RECIPES[recipe].fields))).decode()
    found = nbformat.reads(text, as_version=4)
    nbformat.validate(found)
    assert [cell for cell in found.cells if cell.get("outputs") or cell.get("execution_count")] == []


def test_it_is_valid_and_defines_the_same_network_for_any_design(tmp_path: Path) -> None:
    nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")

    def up_to_its_data(design: Architecture) -> str:
        found = nbformat.reads(notebook(Material(design, Recipe())).decode(), as_version=4)
        nbformat.validate(found)
        places = [cell.source for cell in found.cells]
        before = found.cells[: next(place for place, text in enumerate(places) if text.startswith("## Data"))]
        return "\n".join(cell.source for cell in before if cell.cell_type == "code")

    seen = inspected(tmp_path, up_to_its_data)
    counts = {name: summarize(design).params for name, design in DESIGNS.items()}
    assert {name: (one["params"], one["printed"]) for name, one in seen.items()} == {
        name: (count, f"{count:,} parameters\n") for name, count in counts.items()
    }
    assert {name: one["difference"] for name, one in seen.items() if not one["difference"] <= 1e-6} == {}


def test_its_cells_are_as_the_linter_wants_them(tmp_path: Path) -> None:
    (tmp_path / "notebook.ipynb").write_bytes(
        notebook(Material(SMALLEST, recipes.recipe(RECIPES["mnistnet-min"].fields)))
    )
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--line-length=120", "--select=E,F,W,I", "."]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout


def test_all_cells_run_on_few_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the last cells write weights.pt
    recipe = recipes.recipe({"dataset": "digits", "epochs": 2, "device": "cpu"})
    ended = executed(Material(SMALLEST, recipe), monkeypatch, LIMIT=100)
    assert [len(ended[name]) for name in ("images", "validation_images", "test_images")] == [100, 100, 100]
    assert len(ended["history"]) == 2
    assert ended["shown"] == [10, 2, 20]  # axes: digits, curves, mistakes


def test_it_trains_as_well_as_the_design_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    idx.lay(tmp_path / "data" / "MNIST" / "raw", datasets.load("digits"))
    monkeypatch.chdir(tmp_path)
    recipe = recipes.recipe({"protocol": "course", "epochs": 3, "batch_size": 16, "device": "cpu", "optimizer": "muon"})
    ended = executed(Material(SMALLEST, recipe), monkeypatch)
    assert ended["accuracy"] > 0.6
    assert ended["history"][-1][2] == ended["accuracy"]  # the test set of the last epoch
    ended["Net"]().load_state_dict(torch.load("weights.pt", weights_only=True))


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_name_is_no_markup(name: str) -> None:
    hostile, plain = (json.loads(notebook(Material(TINY.renamed(one), Recipe())))["cells"] for one in (name, "plain"))
    heading = hostile[0]["source"][0]
    assert set(heading[2:]) <= set("&#;-\n ") | set("abcdefghijklmnopqrstuvwxyz0123456789")
    assert [hostile[0]["source"][1:], *hostile[1:]] == [plain[0]["source"][1:], *plain[1:]]


def test_a_runs_result_stands_in_its_text(store: Store) -> None:
    run = next(run for run in GALLERY.runs() if run.name == "mnistnet-min")
    assert "99.33% on the test set (67 errors of 10,000" in cells(of_run(store, run), "markdown")[0]


def test_a_design_alone_claims_no_result() -> None:
    assert "reached" not in cells(Material(SMALLEST, Recipe()), "markdown")[0]
