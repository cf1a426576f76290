"""The training in exported code: it does what our own loop does by the same recipe, and reads like one's own."""

import gzip
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any, get_args

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from mnistnet.data import datasets, splits
from mnistnet.data.datasets import Dataset
from mnistnet.exports.code import model_py
from mnistnet.nets.network import build
from mnistnet.nets.presets import PRESETS
from mnistnet.training import augmentation
from mnistnet.training import recipe as recipes
from mnistnet.training.loop import Training
from mnistnet.training.presets import RECIPES
from mnistnet.training.recipe import DatasetName, OptimizerName, Recipe, ScheduleName
from tests.exports.code.outside import imported
from tests.support import idx
from tests.support.random_designs import designs
from tests.support.samples import TINY, conv, design

LONGEST = 120
# Every kind of weight: matrices, depthwise kernels, biases, batch norm; nothing random.
EVERY_WEIGHT = design(
    conv(6, stride=2, after=["batchnorm", "relu"]),
    {"type": "depthwise", "kernel": 3, "after": ["relu"], "bias": True},
    {"type": "globalavgpool"},
    {"type": "linear", "features": 10},
)
SMALLEST = PRESETS["mnistnet-min"].architecture
STILL = {"rotation_degrees": 0.0, "shift": 0.0, "scale": 0.0}
EPOCH = re.compile(r"^Epoch (\d+) of (\d+)\. Training set: Average loss: [\d.]+$", re.MULTILINE)
FIGURES = r"Average loss: [\d.]+, Accuracy: (\d+)/(\d+) \(([\d.]+)%\)$"


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def some(recipe_number: int) -> Recipe:
    """A recipe with each field drawn, and each amount 0 in one of three draws."""
    random = Random(recipe_number)
    amounts = {"rotation_degrees": 10.0, "shift": 0.12, "scale": 0.1, "bend": 1.2, "label_smoothing": 0.1}
    amounts |= {"averaging": 0.998, "momentum": 0.9, "weight_decay": 5e-4}
    drawn: dict[str, Any] = {name: random.choice((0.0, most, most)) for name, most in amounts.items()}
    names = {"optimizer": OptimizerName, "schedule": ScheduleName, "dataset": DatasetName}
    drawn |= {name: random.choice(get_args(values)) for name, values in names.items()}
    drawn |= {"protocol": random.choice(("holdout", "course")), "device": random.choice(("auto", "cpu", "cuda"))}
    return recipes.recipe(drawn | {"calm_epochs": random.choice((0, 2, 18)), "batch_size": random.choice((9, 128))})


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return datasets.load("digits")


def module(folder: Path, recipe: Recipe, architecture: Any = TINY) -> Any:
    (folder / "model.py").write_text(model_py(architecture, recipe), encoding="utf-8")
    return imported(folder / "model.py")


# What it reads like


def test_any_design_and_recipe_gives_text_as_the_linter_wants_it(tmp_path: Path) -> None:
    chosen = [(preset.architecture, Recipe()) for preset in PRESETS.values()]
    chosen += [(SMALLEST, recipes.recipe(preset.fields)) for preset in RECIPES.values()]
    chosen += [(one, some(number)) for number, one in enumerate(designs(100, seed=5))]
    for number, (architecture, recipe) in enumerate(chosen):
        (tmp_path / f"model_{number}.py").write_text(model_py(architecture, recipe), encoding="utf-8")
    for tool in (["check", "--select", "E,F,W,I"], ["format", "--check"]):
        command = [
            sys.executable,
            "-m",
            "ruff",
            *tool,
            "--isolated",
            "--line-length",
            "120",
            "--no-cache",
            str(tmp_path),
        ]
        ended = subprocess.run(command, capture_output=True, text=True)
        assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.parametrize("preset", RECIPES)
def test_the_training_is_short(preset: str) -> None:
    text = model_py(SMALLEST, recipes.recipe(RECIPES[preset].fields))
    assert len(text.partition("# Training\n")[2].splitlines()) < LONGEST


@pytest.mark.parametrize(
    ("word", "fields"),
    [
        ("label_smoothing", {"label_smoothing": 0.0}),
        ("averaged", {"averaging": 0.0}),
        ("distorted", STILL),
        ("CALM_EPOCHS", {"calm_epochs": 0}),
        ("Muon", {"optimizer": "sgd"}),
        ("rate = ", {"schedule": "constant"}),
        ("validation", {"protocol": "course"}),
    ],
)
def test_what_the_recipe_does_not_use_is_left_out(word: str, fields: dict[str, Any]) -> None:
    everything = {"optimizer": "muon", "bend": 1.0, "calm_epochs": 1, "label_smoothing": 0.1}
    assert word in model_py(TINY, recipes.recipe(everything))
    assert word not in model_py(TINY, recipes.recipe({**everything, "bend": 0.0, **fields}))


# What it does


@pytest.mark.parametrize(
    ("optimizer", "schedule", "averaging"),
    [*[(name, "onecycle", 0.9) for name in get_args(OptimizerName)], ("sgd", "cosine", 0.0), ("muon", "constant", 0.0)],
)
def test_it_takes_the_steps_of_our_own_loop(
    optimizer: str, schedule: str, averaging: float, digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch, "randperm", lambda n, **_: torch.arange(n))  # the order of images is the seed's affair
    fields = {"optimizer": optimizer, "schedule": schedule, "averaging": averaging, "label_smoothing": 0.1, **STILL}
    recipe = recipes.recipe({"epochs": 2, "batch_size": 1024, "precision": "fp32", "device": "cpu", **fields})
    monkeypatch.chdir(tmp_path)
    idx.lay(tmp_path / "data" / "MNIST" / "raw", digits)
    exported = module(tmp_path, recipe, EVERY_WEIGHT)
    exported.main()
    split = splits.split(digits, recipe.protocol)
    ours = Training(build(EVERY_WEIGHT, recipe.seed), split, datasets.source("mnist"), recipe)
    list(ours.run())
    theirs = exported.load_weights("weights.pt").state_dict()
    for name, expected in ours.ema_network.state_dict().items():
        if expected.is_floating_point():
            torch.testing.assert_close(theirs[name], expected, rtol=1e-3, atol=2e-4)


@pytest.mark.parametrize(
    "used",
    [*[{name} for name in ("rotation", "shift", "scale", "bend")], {"rotation", "scale", "shift", "bend"}],
    ids=lambda used: "+".join(sorted(used)),
)
def test_it_distorts_images_as_our_own_loop_does(
    used: set[str], digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spread(*shape: int, **_: Any) -> Tensor:
        return torch.linspace(0, 1, shape[-1]).expand(*shape)

    amounts = {"rotation": 20.0, "shift": 0.2, "scale": 0.3, "bend": 1.5}
    rotation, shift, scale, bend = (amount if name in used else 0.0 for name, amount in amounts.items())
    recipe = recipes.recipe(
        {"rotation_degrees": rotation, "shift": shift, "scale": scale, "bend": bend, "device": "cpu"}
    )
    exported = module(tmp_path, recipe)
    monkeypatch.setattr(torch, "rand", spread)
    monkeypatch.setattr(torch, "randn", spread)
    images = torch.from_numpy(digits.train_images[:32]).unsqueeze(1).float()
    expected = augmentation.distorted(images, degrees=rotation, shift=shift, scale=scale, bend=bend)
    torch.testing.assert_close(exported.distorted(images), expected, rtol=0, atol=0.05)  # of 255


@pytest.fixture(scope="module")
def sample_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A folder in which exported code has trained three epochs on the offline sample, and what it printed."""
    folder = tmp_path_factory.mktemp("sample_run")
    recipe = recipes.recipe({"dataset": "digits", "epochs": 3, "device": "cpu"})
    return folder, trained(folder, model_py(SMALLEST, recipe))


def test_it_prints_each_epoch(sample_run: tuple[Path, str]) -> None:
    _, log = sample_run
    assert [found.groups() for found in EPOCH.finditer(log)] == [("1", "3"), ("2", "3"), ("3", "3")]
    assert len(re.findall(rf"^Validation set: {FIGURES}", log, re.MULTILINE)) == 3


@pytest.mark.bar("C10")
def test_it_learns_and_its_last_line_is_what_its_weights_reach(sample_run: tuple[Path, str], digits: Dataset) -> None:
    folder, log = sample_run
    final = re.findall(rf"^Final weights, test set: {FIGURES}", log, re.MULTILINE)
    found = correct(imported(folder / "model.py").load_weights(folder / "weights.pt"), digits)
    # An image whose two classes are close may turn out otherwise: the digits are enlarged a little differently.
    assert abs(int(final[0][0]) - found) <= 2
    assert found > 0.6 * 297


def test_what_it_saves_fits_the_designs_own_network(sample_run: tuple[Path, str]) -> None:
    folder, _ = sample_run
    build(SMALLEST).load_state_dict(torch.load(folder / "weights.pt", weights_only=True))


def test_under_course_it_scores_the_test_set_after_each_epoch(tmp_path: Path, digits: Dataset) -> None:
    idx.lay(tmp_path / "data" / "MNIST" / "raw", digits)
    recipe = recipes.recipe({"protocol": "course", "optimizer": "muon", "bend": 1.0, "epochs": 2, "calm_epochs": 1})
    log = trained(tmp_path, model_py(TINY, recipe))
    assert [total for _, total, _ in re.findall(rf"^Test set: {FIGURES}", log, re.MULTILINE)] == ["297", "297"]


def test_a_last_batch_of_one_image_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    norm_of_single_values = design(conv(4, stride=2), {"type": "globalavgpool"}, conv(10, 1, after=["batchnorm"]))
    recipe = recipes.recipe({"dataset": "digits", "epochs": 1, "batch_size": 229, "device": "cpu"})
    assert splits.counts(datasets.source("digits"), recipe.protocol).train % recipe.batch_size == 1
    monkeypatch.chdir(tmp_path)
    module(tmp_path, recipe, norm_of_single_values).main()


def test_its_digits_are_those_of_our_own_sample(
    digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exported = module(tmp_path, recipes.recipe({"dataset": "digits", "device": "cpu"}))
    tested: list[Tensor] = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(exported, "EPOCHS", 0)
    monkeypatch.setattr(exported, "evaluate", lambda title, network, images, labels: tested.extend((images, labels)))
    exported.main()
    images, labels = tested
    # Ours are rounded between the two passes of their enlargement.
    differences = (images.squeeze(1).int() - torch.from_numpy(digits.test_images)).abs()
    assert float((differences > 2).float().mean()) < 0.03
    assert labels.tolist() == digits.test_labels.tolist()


def test_missing_files_are_downloaded(tmp_path: Path, digits: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    exported = module(tmp_path, recipes.recipe({"device": "cpu"}))
    server = tmp_path / "server"
    server.mkdir()
    file = server / "t10k-labels-idx1-ubyte.gz"
    file.write_bytes(gzip.compress(bytes(8) + digits.test_labels.tobytes()))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(exported, "ADDRESS", server.as_uri())
    assert exported.read("t10k-labels-idx1-ubyte").tolist() == digits.test_labels.tolist()
    file.unlink()  # the second time, it is there
    assert exported.read("t10k-labels-idx1-ubyte").tolist() == digits.test_labels.tolist()


def trained(folder: Path, text: str) -> str:
    """What model.py prints in an interpreter that finds no mnistnet."""
    (folder / "model.py").write_text(text, encoding="utf-8")
    ended = subprocess.run(
        [sys.executable, "-I", "model.py"],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def correct(network: nn.Module, digits: Dataset) -> int:
    """Test images that it classifies right, normalised as we do it."""
    images = torch.from_numpy(digits.test_images).unsqueeze(1).float() / 255
    with torch.no_grad():
        answers = network((images - digits.source.mean) / digits.source.std).argmax(1).numpy()
    return int(np.sum(answers == digits.test_labels))
