"""The names for Python: the ten lines of the documentation, what they give, and that importing them is instant."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import mnistnet
from mnistnet import Result, evaluate, mistakes, presets, summarize, train
from mnistnet.api import UnknownChoice
from mnistnet.data.datasets import UnknownDataset
from mnistnet.nets.architecture import Architecture, DesignError
from mnistnet.nets.presets import PRESETS
from mnistnet.runs.files.checkpoint import weights_sha256
from mnistnet.training.recipe import RecipeError, recipe
from tests.support.samples import TINY, conv, design

HOUSE = Path(__file__).parents[1]
PAGE = (HOUSE / "docs" / "python.md").read_text("utf-8")
SAMPLE: dict[str, Any] = {"dataset": "digits", "epochs": 2, "batch_size": 128, "threads": 1}


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def result() -> Result:
    return train(TINY, progress=False, **SAMPLE)


def test_the_documented_lines_run(capsys: pytest.CaptureFixture[str]) -> None:
    (lines,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(compile(lines, "docs/python.md", "exec"), {})
    printed = capsys.readouterr().out
    assert printed.startswith("2506 parameters\n")
    assert "Mistake(index=" in printed


def test_the_documentation_names_what_can_be_imported() -> None:
    documented = re.findall(r"^\| `(\w+)", PAGE, re.MULTILINE)
    assert sorted([*documented, "Result"]) == sorted(mnistnet.__all__)


@pytest.mark.parametrize(
    "line", ["import mnistnet", "from mnistnet import train, presets, summarize", "import mnistnet.api"]
)
def test_importing_it_imports_no_torch(line: str) -> None:
    code = f"{line}\nimport sys\nprint('torch' in sys.modules)"
    ended = subprocess.run([sys.executable, "-c", code], cwd=HOUSE, capture_output=True, text=True)
    assert ended.stdout == "False\n", ended.stderr


def test_a_name_that_is_not_there_is_said_as_python_says_it() -> None:
    with pytest.raises(AttributeError, match="module 'mnistnet' has no attribute 'evaluat'"):
        mnistnet.evaluat  # type: ignore[attr-defined] # noqa: B018
    assert set(mnistnet.__all__) <= set(dir(mnistnet))


def test_presets_are_the_designs_by_name() -> None:
    assert presets == {name: preset.architecture for name, preset in PRESETS.items()}
    assert {type(one) for one in presets.values()} == {Architecture}


def test_summarize_counts() -> None:
    assert summarize(presets["mnistnet-min"]).params == 2506


def test_training_gives_network_epochs_and_score(result: Result) -> None:
    assert [row.epoch for row in result.metrics] == [1, 2]
    assert (result.score.total, result.network.training) == (297, False)
    assert result.score == evaluate(result).score


def test_training_it_again_gives_the_same_weights(result: Result) -> None:
    again = train(TINY, recipe(SAMPLE), progress=False)
    assert weights_sha256(again.network.state_dict()) == weights_sha256(result.network.state_dict())


def test_a_built_in_recipe_is_taken_by_name_and_changed_by_fields() -> None:
    trained = train(TINY, "mnistnet-min", progress=False, **{**SAMPLE, "epochs": 1})
    assert (trained.recipe.optimizer, trained.recipe.bend, trained.recipe.epochs) == ("muon", 1.0, 1)


def test_the_threads_of_a_recipe_are_those_of_its_training_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    train(TINY, progress=False, **{**SAMPLE, "epochs": 1, "threads": 2})
    assert torch.get_num_threads() == 1


def test_progress_is_a_line_an_epoch(capsys: pytest.CaptureFixture[str]) -> None:
    train(TINY, **SAMPLE)
    lines = capsys.readouterr().err.splitlines()
    assert [re.fullmatch(r"epoch \d of 2: validation accuracy [\d.]+%, \d+ s", line) is not None for line in lines] == [
        True,
        True,
    ]


def test_a_network_of_anyones_is_evaluated() -> None:
    blind = nn.Sequential(nn.Flatten(), nn.Linear(28 * 28, 10))
    found = evaluate(blind, "validation", dataset="digits")
    assert found.score.total == 125
    assert len(mistakes(blind, "validation", dataset="digits")) == found.score.errors


def test_mistakes_are_wrong_and_the_most_confident_comes_first(result: Result) -> None:
    found = mistakes(result)
    assert len(found) == result.score.errors
    assert [one for one in found if one.label == one.predicted] == []
    assert found == sorted(found, key=lambda one: -one.probability)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"recipe": "best"}, UnknownChoice, "recipe 'best': choose one of sprint"),
        ({"epochs": 0}, RecipeError, "epochs"),
        ({"speed": 1}, RecipeError, "speed"),
    ],
)
def test_a_recipe_that_cannot_be_used_is_refused(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        train(TINY, progress=False, **arguments)


def test_a_design_that_does_not_fit_is_refused() -> None:
    with pytest.raises(DesignError, match=r"layers\.0"):
        train(design(conv(10)), progress=False, **SAMPLE)


def test_a_split_or_data_set_that_does_not_exist_is_refused(result: Result) -> None:
    with pytest.raises(UnknownChoice, match="split 'train': choose one of validation, test"):
        evaluate(result, "train")  # type: ignore[arg-type]
    with pytest.raises((RecipeError, UnknownDataset), match="dataset"):
        evaluate(result, dataset="letters")  # type: ignore[arg-type]
