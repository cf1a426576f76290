"""Weights as a safetensors file, which opens without pickle and without mnistnet."""

from typing import TYPE_CHECKING

from mnistnet.exports.material import Material, RunResult

if TYPE_CHECKING:
    from torch import Tensor


def safetensors(material: Material) -> bytes:
    """The run's newest weights: float32 tensors by the names of `Net` in the exported model.py, and its design.

    The metadata hold `design` (the design file) and `run` (its id). NeedsRun for a design without a run.
    """
    from safetensors.torch import save

    result = material.required("safetensors")
    return save(_tensors(result), {"design": material.architecture.to_json(), "run": result.run.id})


def without_metadata(result: RunResult) -> bytes:
    """The same tensors alone: the same bytes each time, which safetensors does not give for two metadata."""
    from safetensors.torch import save

    return save(_tensors(result))


def _tensors(result: RunResult) -> "dict[str, Tensor]":
    return {name: tensor.contiguous() for name, tensor in result.weights().items()}
