"""A trained network as an ONNX graph, written by torch's exporter. Needs the extra `onnx`."""

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mnistnet.data import datasets
from mnistnet.data.datasets import Source
from mnistnet.exports.material import Material
from mnistnet.extras import Extra
from mnistnet.nets.architecture import Architecture

if TYPE_CHECKING:
    from torch import nn

    from mnistnet.runs.files.checkpoint import Weights

EXTRA = Extra("onnx", ("onnx", "onnxscript"))
INPUT, OUTPUT = "images", "logits"


def onnx(material: Material) -> bytes:
    """The run's network with its newest weights as one ONNX file; input and output are those of `graph`.

    The network takes what it was trained on, and what `Net` in the exported model.py takes: pixels as 0 to 1, minus the
    data set's mean, divided by its standard deviation. The metadata hold `design` (the design file), `run` (its id),
    `dataset`, `mean`, `std`, and `input`, which says the same in a sentence.

    Raises NeedsRun for a design without a run, MissingExtra, and as RunResult.weights.
    """
    result = material.required("onnx")
    EXTRA.require()
    source = datasets.source(material.recipe.dataset)
    described = {"design": material.architecture.to_json(), "run": result.run.id, **_preprocessing(source)}
    return graph(material.architecture, result.weights(), described)


def graph(architecture: Architecture, weights: "Weights", described: Mapping[str, str]) -> bytes:
    """A network in evaluation mode as an ONNX file with these metadata.

    Input `images` (n, 1, 28, 28) float32, output `logits` (n, 10) float32, for any n. `weights`: float32 tensors by the
    names of `nets.network.build`. Batch norm behind a convolution becomes part of its weights.
    """
    from mnistnet.nets.network import build

    network = build(architecture).eval()
    network.load_state_dict(weights)
    model = _model(network)
    _tidy(model)
    model.graph.name = architecture.name
    for key, value in described.items():
        model.metadata_props.add(key=key, value=value)
    written: bytes = model.SerializeToString(deterministic=True)
    return written


def _model(network: "nn.Module") -> Any:
    """The ModelProto of a network in evaluation mode."""
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of one part of torch about another
        program = torch.onnx.export(
            network,
            (torch.zeros(2, 1, 28, 28),),  # two: a batch of one would be taken for a constant
            dynamo=True,
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamic_shapes=({0: torch.export.Dim("n")},),
            verbose=False,
        )
    assert program is not None
    return program.model_proto


def _tidy(model: Any) -> None:
    """Remove what the exporter notes about itself: more than half of a small file, with paths of its own source."""
    main = model.graph
    for part in (model, main, *main.node, *main.input, *main.output, *main.initializer, *main.value_info):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")


def _preprocessing(source: Source) -> dict[str, str]:
    sentence = f"pixels as 0 to 1, background 0, minus {source.mean!r}, divided by {source.std!r}"
    return {"dataset": source.name, "mean": repr(source.mean), "std": repr(source.std), "input": sentence}
