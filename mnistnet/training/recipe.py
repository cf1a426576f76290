"""Everything a training run is told besides the network: the recipe and its JSON. No torch."""

import math
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, model_validator

from mnistnet import strict_json
from mnistnet.data import datasets, splits
from mnistnet.data.splits import Protocol
from mnistnet.errors import BadInput

OptimizerName: TypeAlias = Literal["sgd", "adam", "adamw", "muon"]
ScheduleName: TypeAlias = Literal["onecycle", "cosine", "constant"]
DatasetName: TypeAlias = Literal["mnist", "fashion", "kmnist", "digits"]

MAX_EPOCHS = 100
MAX_THREADS = 64
# Learning rates that suit each optimizer's own scale.
USUAL_RATE: dict[OptimizerName, float] = {"sgd": 0.2, "adam": 0.005, "adamw": 0.005, "muon": 0.2}
# The offline sample has 1,500 training images: in batches of 128, three epochs are 33 steps, too few to learn.
# After three epochs of mnistnet-min, seeds 1 to 3: 77, 82 and 83 % of its test part in batches of 16.
USUAL_BATCH: dict[DatasetName, int] = {"mnist": 128, "fashion": 128, "kmnist": 128, "digits": 16}

OPTIMIZER_TITLES: dict[OptimizerName, str] = {"sgd": "SGD", "adam": "Adam", "adamw": "AdamW", "muon": "Muon"}
SCHEDULE_TITLES: dict[ScheduleName, str] = {
    "onecycle": "one cycle, to 0",
    "cosine": "cosine, to 0",
    "constant": "constant",
}
# The fields as pages call them.
TITLES = {
    "dataset": "data set",
    "protocol": "validated on",
    "epochs": "epochs",
    "batch_size": "batch size",
    "optimizer": "optimizer",
    "learning_rate": "peak learning rate",
    "schedule": "schedule",
    "momentum": "momentum",
    "weight_decay": "weight decay",
    "label_smoothing": "label smoothing",
    "rotation_degrees": "rotation",
    "shift": "shift",
    "scale": "scaling",
    "bend": "elastic distortion",
    "calm_epochs": "final epochs without augmentation",
    "averaging": "weight averaging",
    "seed": "seed",
    "threads": "threads",
    "device": "device",
    "precision": "precision",
}

Share = Annotated[float, Field(ge=0, le=0.5, allow_inf_nan=False)]


class RecipeError(BadInput):
    """A recipe that cannot be used; the message names the field."""


class Recipe(BaseModel):
    """How to train. Frozen and checked: an instance is valid."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    dataset: DatasetName = "mnist"
    protocol: Protocol = "holdout"
    epochs: Annotated[int, Field(ge=1, le=MAX_EPOCHS)] = 18
    batch_size: Annotated[int, Field(ge=8, le=2048)] = USUAL_BATCH["mnist"]
    optimizer: OptimizerName = "sgd"
    learning_rate: Annotated[float, Field(gt=0, le=10, allow_inf_nan=False)] = USUAL_RATE["sgd"]
    schedule: ScheduleName = "onecycle"
    momentum: Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)] = 0.9
    weight_decay: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 5e-4
    label_smoothing: Share = 0.0
    rotation_degrees: Annotated[float, Field(ge=0, le=45, allow_inf_nan=False)] = 10.0
    shift: Share = 0.12
    scale: Share = 0.1
    bend: Annotated[float, Field(ge=0, le=5, allow_inf_nan=False)] = 0.0
    calm_epochs: Annotated[int, Field(ge=0, le=MAX_EPOCHS)] = 0
    averaging: Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)] = 0.998
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 1
    threads: Annotated[int, Field(ge=0, le=MAX_THREADS)] = 0
    device: Literal["auto", "cpu", "cuda"] = "auto"
    precision: Literal["auto", "fp32", "bf16"] = "auto"

    @model_validator(mode="before")
    @classmethod
    def _usual(cls, values: Any) -> Any:
        """Where only an optimizer or a data set is named, it brings its usual learning rate or batch size."""
        if not isinstance(values, dict):
            return values
        usual: dict[str, Any] = {}
        optimizer, dataset = values.get("optimizer"), values.get("dataset")
        if isinstance(optimizer, str) and optimizer in USUAL_RATE:
            usual["learning_rate"] = USUAL_RATE[optimizer]
        if isinstance(dataset, str) and dataset in USUAL_BATCH:
            usual["batch_size"] = USUAL_BATCH[dataset]
        return {**usual, **values}

    def used(self, images: int) -> int:
        """The number of so many training images that an epoch uses: a last batch of one has no variance for batch
        norm, so that image waits for its next turn."""
        return images - (images % self.batch_size == 1)

    def steps(self, images: int) -> int:
        """The training steps of an epoch of so many training images."""
        return math.ceil(self.used(images) / self.batch_size)

    def changed(self, **fields: Any) -> "Recipe":
        """The same recipe with other fields, checked anew; RecipeError names the wrong one."""
        return recipe({**self.model_dump(), **fields})

    def on(self, dataset: DatasetName) -> "Recipe":
        """The same recipe on another data set, with its usual batch size unless this one has an unusual one."""
        usual = {"batch_size": USUAL_BATCH[dataset]} if self.batch_size == USUAL_BATCH[self.dataset] else {}
        return self.changed(dataset=dataset, **usual)


def recipe(fields: Any) -> Recipe:
    """A recipe from plain fields; those not given have their defaults. RecipeError names the wrong one."""
    try:
        return strict_json.validated(Recipe, fields)
    except ValueError as error:
        raise RecipeError(str(error)) from None


def parse(text: str | bytes) -> dict[str, Any]:
    """The fields that a recipe file gives; RecipeError where it is no JSON object."""
    try:
        fields = strict_json.parse(text)
    except ValueError as error:
        raise RecipeError(str(error)) from None
    if not isinstance(fields, dict):
        raise RecipeError(f"{strict_json.shown(fields)}: a recipe is one JSON object of its fields")
    recipe(fields)
    return fields


def load(path: Path) -> dict[str, Any]:
    """The fields in the recipe file at `path`; RecipeError where it cannot be read or used."""
    try:
        return parse(strict_json.contents(path))
    except OSError as error:
        raise RecipeError(f"{strict_json.shown(str(path))}: {error.strerror}; give a readable file") from None


def assignment(text: str) -> tuple[str, Any]:
    """`KEY=VALUE` as a field and its value, read in the field's own type; RecipeError where it is neither."""
    key, equals, value = text.partition("=")
    if not equals:
        raise RecipeError(f"{strict_json.shown(text)}: write KEY=VALUE, as in epochs=5")
    if key not in Recipe.model_fields:
        raise RecipeError(f"{strict_json.shown(key)}: unknown field; choose one of {', '.join(Recipe.model_fields)}")
    kind = Recipe.model_fields[key].annotation
    if kind not in (int, float):
        return key, value
    try:
        return key, kind(value)
    except ValueError:
        raise RecipeError(f"{key}={strict_json.shown(value)}: write a number, as in {key}=5") from None


def described(recipe: Recipe) -> dict[str, str]:
    """Each field's value in words, by the field's title: `{"optimizer": "SGD", "threads": "all cores", ...}`."""
    source = datasets.source(recipe.dataset)
    words = {
        "dataset": source.title,
        "protocol": splits.title(source, recipe.protocol),
        "optimizer": OPTIMIZER_TITLES[recipe.optimizer],
        "schedule": SCHEDULE_TITLES[recipe.schedule],
        **({} if recipe.threads else {"threads": "all cores"}),
    }
    values = recipe.model_dump()
    return {title: words.get(name) or value_text(values[name]) for name, title in TITLES.items()}


def changes(before: Recipe, after: Recipe) -> list[str]:
    """The fields in which two recipes differ, in words: `epochs 18 → 19`."""
    old, new = described(before), described(after)
    return [
        f"{title}{':' * (title == TITLES['protocol'])} {old[title]} → {new[title]}"
        for title in old
        if old[title] != new[title]
    ]


def value_text(value: object) -> str:
    """A field's value as text, numbers without needless digits: `0.2`, `128`, `sgd`."""
    return f"{value:g}" if isinstance(value, float) else str(value)
