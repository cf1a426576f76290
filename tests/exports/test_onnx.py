"""ONNX graphs, run by ONNX Runtime, give the logits of our networks. Without the extra, its tests are skipped."""

from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from scipy.special import softmax

from mnistnet.data import datasets
from mnistnet.errors import OperationFailed
from mnistnet.exports import material as materials
from mnistnet.exports import onnx
from mnistnet.exports.formats import FORMATS
from mnistnet.exports.material import Material
from mnistnet.insight.network.steps import finish
from mnistnet.nets import architecture as designs
from mnistnet.nets.architecture import Architecture
from mnistnet.nets.network import build
from mnistnet.nets.presets import PRESETS
from mnistnet.runs.sources import GALLERY
from mnistnet.runs.store.store import Store
from mnistnet.runs.worker import training_job
from tests.support import random_designs
from tests.support.samples import running

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

needs_extra = pytest.mark.skipif(
    not (onnx.EXTRA.is_installed and find_spec("onnxruntime")), reason=f"{onnx.EXTRA.installation} onnxruntime"
)
BATCHES = (1, 3, 128)
TOLERANCE = 1e-4


def runtime(graph: bytes) -> "InferenceSession":
    """The graph in ONNX Runtime, on one thread of the processor."""
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


@torch.no_grad()
def network(design: Architecture, seed: int) -> torch.nn.Module:
    """A network in evaluation mode whose batch norms have any statistics, as after a training."""
    built = build(design, seed).eval()
    random = torch.Generator().manual_seed(seed)
    for name, values in built.state_dict().items():
        if name.startswith("batchnorm") and values.is_floating_point():
            values.uniform_(0.1, 2, generator=random)  # positive, as a variance has to be
    return built


@torch.no_grad()
def largest_difference(design: Architecture, seed: int = 0) -> float:
    """Between our logits and ONNX Runtime's, relative to the largest logit where that is above 1."""
    ours = network(design, seed)
    session = runtime(onnx.graph(design, ours.state_dict(), {}))
    largest = 0.0
    for count in BATCHES:
        images = torch.randn(count, 1, 28, 28, generator=torch.Generator().manual_seed(count))
        expected = ours(images).numpy()
        (found,) = session.run([onnx.OUTPUT], {onnx.INPUT: images.numpy()})
        assert found.shape == (count, 10)
        largest = max(largest, float(np.abs(found - expected).max() / max(1.0, np.abs(expected).max())))
    return largest


@needs_extra
@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_gives_the_same_logits(name: str) -> None:
    assert largest_difference(PRESETS[name].architecture) <= TOLERANCE


@needs_extra
def test_random_designs_give_the_same_logits() -> None:
    assert [
        design.to_json()
        for number, design in enumerate(random_designs.designs(2, seed=14))
        if largest_difference(design, number) > TOLERANCE
    ] == []


@needs_extra
@pytest.mark.long
@pytest.mark.parametrize("seed", range(10))
def test_200_random_designs_give_the_same_logits(seed: int) -> None:
    assert [
        design.to_json()
        for number, design in enumerate(random_designs.designs(20, seed))
        if largest_difference(design, number) > TOLERANCE
    ] == []


@pytest.fixture
def trained(store: Store, monkeypatch: pytest.MonkeyPatch) -> Material:
    monkeypatch.setenv("MNISTNET_KERNELS", "off")  # compiling them would take longer
    run = running(store, epochs=1)
    training_job.train(store, run)
    return materials.of_run(store, store.run(run.id))


@needs_extra
def test_a_run_is_exported_with_its_weights_its_design_and_its_preprocessing(trained: Material) -> None:
    first, second = (finish(FORMATS["onnx"].files(trained))["model.onnx"] for _ in range(2))
    assert first == second
    assert b"site-packages" not in first
    session = runtime(first)
    stated = session.get_modelmeta().custom_metadata_map
    assert designs.parse(stated["design"]) == trained.architecture
    assert trained.result is not None
    assert stated["run"] == trained.result.run.id
    predicted = finish(trained.result.predictions("test"))
    images = datasets.load_test("digits")[0].reshape(-1, 1, 28, 28)
    mean, std = float(stated["mean"]), float(stated["std"])
    (logits,) = session.run(["logits"], {"images": ((images / 255 - mean) / std).astype(np.float32)})
    assert np.abs(softmax(logits, axis=1) - predicted.probabilities).max() < TOLERANCE


def test_without_the_extra_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mnistnet.extras.find_spec", lambda name: None)
    with pytest.raises(OperationFailed, match=r"^onnx: not installed; `pip install -r requirements-onnx\.txt`$"):
        finish(FORMATS["onnx"].files(materials.of_run(Store(), GALLERY.runs()[0])))
