"""The compiled kernels as a guest: training without them, and what is said about it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

import mnistnet
from mnistnet.data import datasets, splits
from mnistnet.nets.network import build
from mnistnet.nets.presets import PRESETS
from mnistnet.nets.summary import summarize
from mnistnet.training import acceleration, augmentation, kernels
from mnistnet.training.loop import Training
from mnistnet.training.progress import EpochDone
from tests.support.samples import TINY, conv, design, recipe

PACKAGE = Path(mnistnet.__file__).parent
# A chain, what is compiled by itself, and what is torch's own; no dropout, whose draws differ.
MIXED = design(
    conv(8, padding=1, after=["batchnorm", "relu"]),
    {"type": "maxpool", "size": 2},
    {"type": "depthwise", "kernel": 3, "padding": 1},
    conv(8, 1, after=["batchnorm", "relu"]),
    conv(8, 5, bias=True, after=["relu", "batchnorm"]),
    {"type": "maxpool", "size": 2},
    {"type": "globalavgpool"},
    conv(10, 1, bias=True),
)
WITHOUT_DROPOUT = [
    name
    for name, preset in PRESETS.items()
    if not any("dropout" in layer.type or getattr(layer, "dropout", 0) for layer in preset.architecture.layers)
]


@pytest.fixture(autouse=True)
def _tried_anew() -> None:
    acceleration._tried.cache_clear()


# Training without the kernels


def trained(folder: Path, where: Path, **environment: str) -> tuple[dict[str, object], list[str]]:
    """One epoch on the digits by the command line of the package in `where`: what it prints, and its log."""
    (folder / "design.json").write_text(TINY.to_json(), "utf-8")
    command = ["train", str(folder / "design.json"), "--dataset", "digits", "--epochs", "1", "--threads", "1", "--json"]
    paths = os.pathsep.join(filter(None, [environment.get("PYTHONPATH"), str(where)]))
    ended = subprocess.run(
        [sys.executable, "-m", "mnistnet", *command],
        cwd=where,
        env={**os.environ, "MNISTNET_STORE": str(folder / "runs"), **environment, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=240,
    )
    assert ended.returncode == 0, ended.stderr
    (log,) = (folder / "runs").glob("*/log.txt")
    precision, *said = log.read_text("utf-8").splitlines()
    assert precision in ("precision: fp32", "precision: bf16")
    return json.loads(ended.stdout), said


def test_without_their_folder_a_network_trains(tmp_path: Path) -> None:
    ignored = shutil.ignore_patterns("__pycache__", "kernels")
    shutil.copytree(PACKAGE, tmp_path / "copy" / "mnistnet", ignore=ignored)
    run, log = trained(tmp_path, tmp_path / "copy")
    assert (run["state"], run["epochs"]) == ("done", 1)
    assert log == ["kernels: off, torch's own operations train (mnistnet/training/kernels is missing)"]


def test_switched_off_a_network_trains(tmp_path: Path) -> None:
    run, log = trained(tmp_path, PACKAGE.parent, MNISTNET_KERNELS="off")
    assert (run["state"], run["epochs"]) == ("done", 1)
    assert log == ["kernels: off, torch's own operations train (MNISTNET_KERNELS=off)"]


def test_without_numba_a_network_trains(tmp_path: Path) -> None:
    (tmp_path / "first" / "numba").mkdir(parents=True)
    (tmp_path / "first" / "numba" / "__init__.py").write_text("raise ImportError('no numba here')", "ascii")
    run, log = trained(tmp_path, PACKAGE.parent, PYTHONPATH=str(tmp_path / "first"))
    assert (run["state"], run["epochs"]) == ("done", 1)
    assert log == ["kernels: off, torch's own operations train (numba cannot be used: no numba here)"]


def test_with_the_kernels_the_log_has_nothing_to_say(tmp_path: Path) -> None:
    assert trained(tmp_path, PACKAGE.parent)[1] == []


def test_a_numba_that_is_not_installed_is_named() -> None:
    hidden = "import sys; sys.modules['numba'] = None"
    code = f"{hidden}\nfrom mnistnet.training import acceleration\nprint(acceleration.absence())"
    ended = subprocess.run([sys.executable, "-c", code], cwd=PACKAGE.parent, capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "numba is not installed"


@pytest.mark.parametrize("error", [RuntimeError("cannot cache function"), OSError("No space left on device")])
def test_where_numba_cannot_compile_or_keep_a_loop_torch_trains(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def check() -> bool:
        raise error

    monkeypatch.setattr(kernels, "check", check)
    loaded = acceleration.load()
    assert loaded.kernels is None
    assert loaded.notice == f"kernels: off, torch's own operations train (numba cannot be used: {error})"


def test_loops_that_no_folder_takes_are_compiled_for_the_run_alone_and_the_log_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(kernels, "check", lambda: False)
    loaded = acceleration.load()
    assert loaded.kernels is kernels
    assert "compiled for this run alone" in loaded.notice


# The same results


def epoch(monkeypatch: pytest.MonkeyPatch, switch: str) -> EpochDone:
    monkeypatch.setenv(acceleration.SWITCH, switch)
    # So small a rate that rounding does not grow over the steps.
    chosen = recipe(epochs=1, batch_size=128, precision="fp32", learning_rate=0.001, rotation_degrees=5.0)
    digits = datasets.load("digits")
    training = Training(build(MIXED, 1), splits.split(digits, "holdout"), digits.source, chosen)
    (done,) = (progress for progress in training.run() if isinstance(progress, EpochDone))
    return done


def test_an_epoch_comes_to_the_same_with_and_without_the_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = epoch(monkeypatch, ""), epoch(monkeypatch, "off")
    assert ours.train_loss == pytest.approx(theirs.train_loss, rel=1e-3)
    assert ours.validation_loss == pytest.approx(theirs.validation_loss, rel=1e-2)


@pytest.mark.parametrize("name", ["mixed", *WITHOUT_DROPOUT])
def test_a_batch_has_the_same_loss_and_gradients_with_and_without_the_kernels(name: str) -> None:
    """But for rounding: where that turns the largest of a window or a ReLU, one value's gradient is another's."""
    architecture = MIXED if name == "mixed" else PRESETS[name].architecture
    digits = datasets.load("digits")
    images = torch.from_numpy(digits.train_images[:64]).unsqueeze(1).float() / 255
    labels = torch.from_numpy(digits.train_labels[:64]).long()
    found = []
    for accelerate in (kernels.accelerate, lambda network: network):
        network = build(architecture, 1).train()
        loss = F.cross_entropy(accelerate(network)(images), labels)
        found.append((loss.detach(), torch.autograd.grad(loss, list(network.parameters()))))
    (our_loss, ours), (their_loss, theirs) = found
    torch.testing.assert_close(our_loss, their_loss, rtol=1e-5, atol=0)
    for our, their in zip(ours, theirs, strict=True):
        assert float((our - their).norm()) < 0.01 * float(their.norm())


def test_augmentation_draws_the_same_with_and_without_the_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    images, found = torch.rand(16, 1, 28, 28), []
    for switch in ("", "off"):
        monkeypatch.setenv(acceleration.SWITCH, switch)
        torch.manual_seed(3)
        found.append(augmentation.distorted(images, degrees=10, shift=0.1, scale=0.1, bend=1))
    torch.testing.assert_close(*found, rtol=0, atol=5e-5)


def test_switched_off_the_network_itself_is_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(acceleration.SWITCH, "off")
    digits = datasets.load("digits")
    training = Training(build(TINY, 1), splits.split(digits, "holdout"), digits.source, recipe())
    assert training._forward is training.network


# What is said of a design


def said(*layers: dict[str, object]) -> str:
    architecture = design(*layers)
    return acceleration.described(architecture, summarize(architecture))


CHAIN: tuple[dict[str, object], ...] = (
    {"type": "depthwise", "kernel": 3, "padding": 1},
    conv(8, 1, after=["batchnorm", "relu"]),
)
STEM: tuple[dict[str, object], ...] = (conv(8, padding=1, after=["batchnorm", "relu"]), {"type": "maxpool", "size": 2})
LAST = conv(10, 1)


def test_a_design_of_chain_and_rest_is_told_layer_by_layer() -> None:
    assert said(*STEM, *CHAIN, {"type": "globalavgpool"}, LAST) == (
        "On a CPU, layers 1 to 5 train as one compiled operation; layer 6 uses torch's own operations."
    )


def test_two_chains_are_two_operations() -> None:
    assert said(*STEM, {"type": "dropout2d", "rate": 0.1}, *CHAIN, {"type": "globalavgpool"}, LAST) == (
        "On a CPU, layers 1, 2 and 4 to 6 train as one compiled operation each; "
        "layers 3 and 7 use torch's own operations."
    )


def test_a_kernel_of_five_leaves_the_chain_and_is_told() -> None:
    stem = (conv(8, 5, padding=2, after=["batchnorm", "relu"]), STEM[1])
    assert said(*stem, {"type": "globalavgpool"}, LAST) == (
        "On a CPU, batch norm and 2×2 max-pooling are compiled in layers 1 and 2, the rest is torch's own; "
        "layers 3 and 4 use torch's own operations."
    )


def test_without_the_kernels_all_layers_are_torchs_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(acceleration.SWITCH, "OFF")
    assert said(*STEM, {"type": "globalavgpool"}, LAST) == (
        "On a CPU, all layers train by torch's own operations (MNISTNET_KERNELS=OFF)."
    )
    assert set(acceleration.fast_path(MIXED, summarize(MIXED)).rows) == {"torch"}


def test_of_a_design_with_a_fault_the_part_that_can_be_built_is_told() -> None:
    assert said(*STEM, conv(8, 7), conv(8, 7), conv(8, 7)).startswith("On a CPU, layers 1 and 2 train as one")
    assert said(conv(8, 1), {"type": "maxpool", "size": 28}, {"type": "maxpool", "size": 2}) != ""


def test_each_row_of_the_summary_has_its_way() -> None:
    rows = zip(summarize(MIXED).rows, acceleration.fast_path(MIXED, summarize(MIXED)).rows, strict=True)
    assert [(row.type, way) for row, way in rows] == [
        ("conv", "chain"),
        ("batchnorm", "chain"),
        ("maxpool", "chain"),
        ("depthwise", "chain"),
        ("conv", "chain"),
        ("batchnorm", "chain"),
        ("conv", "torch"),
        ("batchnorm", "compiled"),
        ("maxpool", "compiled"),
        ("globalavgpool", "torch"),
        ("conv", "torch"),
    ]
