"""A program that looks at exported files as strangers do: run by `python -I` in a folder without mnistnet.

The folder has, for each network, NAME.py, its weights as NAME.pt or NAME.safetensors, and answers.pt: by name the
images and what the design's own network answers. Prints one JSON object by name.
"""

import importlib.util
import io
import json
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import torch
from torch import nn

# What public checkers of the assignment look for.
SOUGHT = (nn.BatchNorm2d, nn.Dropout, nn.Dropout2d, nn.AdaptiveAvgPool2d, nn.Linear, nn.MaxPool2d, nn.Conv2d)


def imported(file: Path) -> Any:
    """The file as a module."""
    specification = importlib.util.spec_from_file_location(file.stem, file)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def loaded(module: Any, file: Path) -> nn.Module:
    """The trained network, as the module reads it; where it has nothing for that, as anybody would."""
    if hasattr(module, "load_weights"):
        trained: nn.Module = module.load_weights(file)
        return trained
    network: nn.Module = module.Net()
    network.load_state_dict(torch.load(file, weights_only=True))
    return network.eval()


def seen(file: Path, images: torch.Tensor, expected: torch.Tensor) -> dict[str, Any]:
    """What is seen of one network."""
    before, state, printed = set(Path().iterdir()), torch.get_rng_state(), io.StringIO()
    with redirect_stdout(printed):
        module = imported(file)
    untouched = set(Path().iterdir()) == before and torch.equal(torch.get_rng_state(), state)
    network = module.Net()
    weights = next(weights for weights in Path().glob(f"{file.stem}.*") if weights.suffix != ".py")
    trained = loaded(module, weights)
    with torch.no_grad():
        answers = trained(images)
    return {
        "is_clean": untouched,
        "printed": printed.getvalue(),
        "params": sum(p.numel() for p in network.parameters() if p.requires_grad),
        "found": [kind.__name__ for kind in SOUGHT if any(isinstance(one, kind) for one in network.modules())],
        "difference": float((answers - expected).abs().max()),
        "is_training": trained.training,
        "torchsummary": total(network),
    }


def total(network: nn.Module) -> int | None:
    """The number of parameters in torchsummary's table; None without torchsummary."""
    try:
        from torchsummary import summary
    except ImportError:
        return None
    printed = io.StringIO()
    with redirect_stdout(printed):
        summary(network, (1, 28, 28), device="cpu")
    (line,) = [line for line in printed.getvalue().splitlines() if line.startswith("Trainable params")]
    return int(line.partition(":")[2].replace(",", ""))


if __name__ == "__main__":
    torch.set_num_threads(1)
    sys.dont_write_bytecode = True
    sys.modules["mnistnet"] = None  # type: ignore[assignment] # importing it fails from now on
    known = torch.load("answers.pt", weights_only=True)
    print(json.dumps({name: seen(Path(f"{name}.py"), *pair) for name, pair in known.items()}))  # noqa: T201 - its answer
