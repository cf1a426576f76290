"""Weights as a safetensors file, which opens without pickle and without mnistnet."""

from mnistnet.exports.material import Material


def safetensors(material: Material) -> bytes:
    """The run's newest weights: float32 tensors by the names of `Net` in the exported model.py, and its design.

    The metadata hold `design` (the design file) and `run` (its id). NeedsRun for a design without a run.
    """
    from safetensors.torch import save

    result = material.required("safetensors")
    weights = {name: tensor.contiguous() for name, tensor in result.weights().items()}
    return save(weights, {"design": material.architecture.to_json(), "run": result.run.id})
