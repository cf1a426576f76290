"""Files and documents of an earlier version open and mean the same: designs, recipes, links, stores, backups, JSON."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mnistnet import links
from mnistnet.cli.program import main
from mnistnet.lessons import lesson as lessons
from mnistnet.lessons.codec import decode_lesson
from mnistnet.nets import architecture as designs
from mnistnet.nets.presets import PRESETS
from mnistnet.nets.rules import profiles
from mnistnet.runs.run import RunState
from mnistnet.runs.store.store import Store
from mnistnet.runs.worker import supervisor
from mnistnet.training import recipe as recipes
from mnistnet.training.presets import RECIPES
from tests.support.processes import until

KEPT = Path(__file__).with_name("kept")
RUNS = ("43211a5b", "46dc7c25", "ac2b31ef")
STOPPED = RUNS[0]
LATER = {"plain-16k"}  # presets that came after these files were written


def kept(name: str) -> Any:
    return json.loads((KEPT / name).read_text("utf-8"))


def says_the_same(now: object, before: object) -> bool:
    """Whether every value of the earlier document stands in the present one; fields may have been added."""
    if isinstance(before, dict):
        return isinstance(now, dict) and all(
            key in now and says_the_same(now[key], value) for key, value in before.items()
        )
    if isinstance(before, list):
        return isinstance(now, list) and len(now) == len(before) and all(map(says_the_same, now, before))
    return now == before


@pytest.fixture
def earlier(store: Store) -> Store:
    """The store of an earlier version, in a place where it may be changed."""
    shutil.copytree(KEPT / "store", store.root)
    return store


@pytest.fixture
def document(capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """What a command prints with --json."""

    def call(*arguments: str) -> Any:
        capsys.readouterr()
        assert main([*arguments, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    return call


@pytest.mark.parametrize(("code", "expected"), kept("links.json")["designs"].items())
def test_a_link_to_a_design_means_the_same(code: str, expected: object) -> None:
    design = links.decode_design(code)
    assert json.loads(design.to_json()) == expected
    assert links.encode_design(design) == code


@pytest.mark.parametrize(("code", "expected"), kept("links.json")["recipes"].items())
def test_a_link_to_a_recipe_means_the_same(code: str, expected: object) -> None:
    recipe = links.decode_recipe(code)
    assert says_the_same(json.loads(recipe.model_dump_json()), expected)
    assert links.encode_recipe(recipe) == code


@pytest.mark.parametrize(("code", "expected"), kept("profiles.json")["links"].items())
def test_a_link_to_a_profile_means_the_same(code: str, expected: dict[str, object]) -> None:
    profile = links.decode_profile(code)
    assert says_the_same(json.loads(profile.to_json()), expected)
    is_name_of_before = code in profiles.ALIASES
    assert links.encode_profile(profile) == (expected["name"] if is_name_of_before else code)
    assert profiles.parse(profile.to_json()) == profile


@pytest.mark.parametrize(("code", "expected"), kept("lessons.json").items())
def test_a_lesson_means_the_same_as_link_and_as_file(code: str, expected: object) -> None:
    lesson = decode_lesson(code)
    assert says_the_same(json.loads(lesson.to_json()), expected)
    assert lessons.parse(json.dumps(expected)) == lesson


def test_design_file_and_recipe_file_mean_the_same() -> None:
    design, recipe = designs.load(KEPT / "design.json"), recipes.recipe(recipes.load(KEPT / "recipe.json"))
    assert json.loads(design.to_json()) in kept("links.json")["designs"].values()
    assert says_the_same(json.loads(recipe.model_dump_json()), kept("recipe.json"))


def test_presets_and_their_recipes_are_those_of_before() -> None:
    before = kept("links.json")
    for name in PRESETS.keys() - LATER:
        assert json.loads(PRESETS[name].architecture.to_json()) in before["designs"].values()
    for name in RECIPES.keys() - LATER:
        now = json.loads(recipes.recipe(RECIPES[name].fields).model_dump_json())
        assert any(says_the_same(now, one) for one in before["recipes"].values())


def test_the_documents_of_designs_say_the_same(document: Callable[..., Any]) -> None:
    presets = [preset for preset in document("presets") if preset["name"] not in LATER]
    assert says_the_same(presets, kept("presets.json"))
    names = [preset["name"] for preset in kept("presets.json")]
    assert says_the_same(document("summary", str(KEPT / "design.json"), *names), kept("summary.json"))


def test_the_documents_of_runs_say_the_same(earlier: Store, document: Callable[..., Any]) -> None:
    assert says_the_same(document("runs"), kept("runs.json"))
    for run in RUNS:
        assert says_the_same(document("show", run), kept(f"show-{run}.json"))
    for run, split in (("ac2b31ef", "test"), ("46dc7c25", "validation")):
        assert says_the_same(document("evaluate", run, "--split", split), kept(f"evaluate-{run}-{split}.json"))


def test_a_run_of_before_is_resumed_where_it_stood(earlier: Store, document: Callable[..., Any]) -> None:
    supervisor.resume(earlier, STOPPED)
    until(lambda: not earlier.run(STOPPED).state.is_active, 120)
    assert earlier.run(STOPPED).state is RunState.DONE
    now = document("show", STOPPED)
    assert says_the_same(now["metrics"][:3], kept(f"show-{STOPPED}.json")["metrics"])
    assert len(now["metrics"]) == 6


def test_a_store_of_before_is_built_anew_from_its_folders(earlier: Store, document: Callable[..., Any]) -> None:
    earlier.database.path.unlink()
    assert says_the_same(document("runs"), kept("runs.json"))


def test_a_backup_of_before_is_restored(
    store: Store, document: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["restore", str(KEPT / "backup.zip")]) == 0
    assert says_the_same(document("runs"), kept("runs.json"))
    for run in RUNS:
        assert says_the_same(document("show", run), kept(f"show-{run}.json"))
