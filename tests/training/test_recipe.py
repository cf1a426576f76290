"""What a recipe accepts, what it says about the rest, and how it is read from files and arguments."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from mnistnet.training import recipe as recipes
from mnistnet.training.recipe import USUAL_RATE, OptimizerName, Recipe, RecipeError

WRONG = {
    "epochs=0: choose at least 1": {"epochs": 0},
    "epochs=101: choose at most 100": {"epochs": 101},
    "epochs=True: choose a whole number": {"epochs": True},
    "epochs=3.0: choose a whole number": {"epochs": 3.0},
    "epochs='3': choose a whole number": {"epochs": "3"},
    "batch_size=7: choose at least 8": {"batch_size": 7},
    "batch_size=2049: choose at most 2048": {"batch_size": 2049},
    "learning_rate=0: choose more than 0": {"learning_rate": 0},
    "learning_rate=10.5: choose at most 10": {"learning_rate": 10.5},
    "learning_rate=nan: choose": {"learning_rate": float("nan")},
    "learning_rate=None: choose a number": {"learning_rate": None},
    "momentum=1.0: choose less than 1": {"momentum": 1.0},
    "weight_decay=-0.1: choose at least 0": {"weight_decay": -0.1},
    "label_smoothing=0.6: choose at most 0.5": {"label_smoothing": 0.6},
    "rotation_degrees=inf: choose": {"rotation_degrees": float("inf")},
    "averaging=1: choose less than 1": {"averaging": 1},
    "seed=-1: choose at least 0": {"seed": -1},
    "seed=2147483648: choose less than 2147483648": {"seed": 2**31},
    "threads=65: choose at most 64": {"threads": 65},
    "dataset='cifar': choose one of mnist, fashion, kmnist or digits": {"dataset": "cifar"},
    "protocol='random': choose one of holdout or course": {"protocol": "random"},
    "optimizer='lion': choose one of sgd, adam, adamw or muon": {"optimizer": "lion"},
    "schedule='step': choose one of onecycle, cosine or constant": {"schedule": "step"},
    "device='tpu': choose one of auto, cpu or cuda": {"device": "tpu"},
    "precision='fp16': choose one of auto, fp32 or bf16": {"precision": "fp16"},
    "learnrate: unknown field; remove it": {"learnrate": 0.1},
}


@pytest.mark.parametrize("message", WRONG)
def test_a_wrong_field_is_named_with_what_is_allowed(message: str) -> None:
    with pytest.raises(RecipeError) as error:
        recipes.recipe(WRONG[message])
    assert str(error.value).startswith(message)


@pytest.mark.parametrize("optimizer", [[], {}, None, 1, True])
def test_an_optimizer_of_the_wrong_type_is_refused_like_any_other_field(optimizer: Any) -> None:
    with pytest.raises(RecipeError, match=r"^optimizer=.*: choose one of sgd, adam, adamw or muon$"):
        recipes.recipe({"optimizer": optimizer})


@pytest.mark.parametrize("optimizer", USUAL_RATE)
def test_an_optimizer_brings_its_usual_rate_where_none_is_given(optimizer: OptimizerName) -> None:
    assert recipes.recipe({"optimizer": optimizer}).learning_rate == USUAL_RATE[optimizer]


@pytest.mark.parametrize("optimizer", USUAL_RATE)
def test_a_given_rate_stays_whatever_the_optimizer(optimizer: OptimizerName) -> None:
    assert recipes.recipe({"optimizer": optimizer, "learning_rate": 0.07}).learning_rate == 0.07


def test_the_small_sample_brings_its_small_batches_where_none_are_given() -> None:
    assert recipes.recipe({"dataset": "digits"}).batch_size == 16
    assert recipes.recipe({"dataset": "mnist"}).batch_size == recipes.recipe({}).batch_size == 128


def test_a_given_batch_size_stays_whatever_the_data_set() -> None:
    assert recipes.recipe({"dataset": "digits", "batch_size": 128}).batch_size == 128
    assert recipes.recipe(recipes.parse('{"dataset": "digits", "batch_size": 64}')).batch_size == 64


def test_a_recipe_moved_to_the_sample_takes_its_batches_and_back_again() -> None:
    moved = Recipe().on("digits")
    assert moved == Recipe().changed(dataset="digits", batch_size=16)
    assert moved.on("mnist") == Recipe()


def test_a_batch_size_of_ones_own_is_kept_on_another_data_set() -> None:
    assert Recipe().changed(batch_size=64).on("digits").batch_size == 64


def test_a_recipe_cannot_be_changed_in_place() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Recipe().epochs = 3  # type: ignore[misc]


def test_a_changed_recipe_differs_in_the_given_fields_only() -> None:
    before = recipes.recipe({"optimizer": "adam", "seed": 7})
    after = before.changed(epochs=5)
    assert after.model_dump() == {**before.model_dump(), "epochs": 5}


def test_a_changed_recipe_is_checked_anew() -> None:
    with pytest.raises(RecipeError, match=r"^epochs=0: choose at least 1$"):
        Recipe().changed(epochs=0)


def test_a_recipe_written_as_json_reads_back_the_same() -> None:
    before = recipes.recipe({"optimizer": "adamw", "shift": 0.0, "averaging": 0.5, "device": "cpu"})
    assert recipes.recipe(recipes.parse(before.model_dump_json())) == before


def test_a_file_gives_only_the_fields_that_it_names(tmp_path: Path) -> None:
    file = tmp_path / "recipe.json"
    file.write_text('{"epochs": 4, "optimizer": "adam"}')
    assert recipes.load(file) == {"epochs": 4, "optimizer": "adam"}


UNREADABLE = {
    "[]": "a recipe is one JSON object",
    "3": "a recipe is one JSON object",
    "": "line 1, column 1: .*; the file must be one JSON object",
    '{"epochs": 3,}': "line 1, column .*; the file must be one JSON object",
    '{"epochs": 3, "epochs": 4}': "'epochs': given twice; keep one",
    '{"learning_rate": NaN}': "^learning_rate=nan: choose",
    '{"learning_rate": 1e400}': "^learning_rate=inf: choose",
    '{"epochs": 1' + "0" * 400 + "}": "^epochs=inf: choose a whole number",
    json.dumps({"epochs": 3, "note": "x" * 70_000}): "at most 65,536 are allowed",
}


@pytest.mark.parametrize("text", UNREADABLE, ids=lambda text: text[:30])
def test_a_file_that_is_no_recipe_is_refused_with_the_reason(text: str, tmp_path: Path) -> None:
    file = tmp_path / "recipe.json"
    file.write_text(text)
    with pytest.raises(RecipeError, match=UNREADABLE[text]):
        recipes.load(file)


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(RecipeError, match=r"^'nowhere\.json': No such file or directory; give a readable file$"):
        recipes.load(Path("nowhere.json"))


def test_a_folder_in_place_of_a_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="Is a directory; give a readable file"):
        recipes.load(tmp_path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("epochs=5", ("epochs", 5)),
        ("learning_rate=0.1", ("learning_rate", 0.1)),
        ("learning_rate=1e-3", ("learning_rate", 0.001)),
        ("averaging=0", ("averaging", 0.0)),
        ("optimizer=adam", ("optimizer", "adam")),
        ("dataset=", ("dataset", "")),
    ],
)
def test_an_assignment_is_read_in_the_type_of_its_field(text: str, expected: tuple[str, Any]) -> None:
    assert recipes.assignment(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epochs", "^'epochs': write KEY=VALUE, as in epochs=5$"),
        ("", "^'': write KEY=VALUE"),
        ("epoch=5", "^'epoch': unknown field; choose one of dataset, protocol, epochs"),
        ("epochs=five", "^epochs='five': write a number, as in epochs=5$"),
        ("epochs=5.5", "^epochs='5.5': write a number"),
    ],
)
def test_an_assignment_that_cannot_be_read_says_how_to_write_it(text: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        recipes.assignment(text)
