"""Exported networks as strangers see them: `outside` looks at all of them in one process without mnistnet."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from mnistnet.nets.architecture import Architecture
from mnistnet.nets.network import build
from mnistnet.nets.presets import PRESETS
from tests.exports.code import outside
from tests.support.random_designs import designs

Seen: TypeAlias = dict[str, dict[str, Any]]  # by the design's name, what `outside` prints of it

RANDOM = {f"random_{number}": one for number, one in enumerate(designs(200, seed=14))}
DESIGNS = {name.replace("-", "_"): preset.architecture for name, preset in PRESETS.items()} | RANDOM


def network_of(architecture: Architecture, seed: int = 3) -> nn.Sequential:
    """The design's own network; its batch norms have seen images, so that each number of a state counts."""
    network = build(architecture, seed).train()
    with torch.no_grad():
        network(torch.rand(4, 1, 28, 28))
    return network.eval()


def inspected(folder: Path, text_of: Callable[[Architecture], str], suffixes: tuple[str, ...] = (".pt",)) -> Seen:
    """What is seen of all DESIGNS, whose code is `text_of` each; the suffixes of their files of weights alternate."""
    torch.manual_seed(0)
    answers: dict[str, tuple[Tensor, Tensor]] = {}
    for number, (name, architecture) in enumerate(DESIGNS.items()):
        network, images = network_of(architecture), torch.randn(2, 1, 28, 28)
        (folder / f"{name}.py").write_text(text_of(architecture), encoding="utf-8")
        weights = folder / f"{name}{suffixes[number % len(suffixes)]}"
        (torch.save if weights.suffix == ".pt" else save_file)(network.state_dict(), weights)
        answers[name] = images, network(images).detach()
    torch.save(answers, folder / "answers.pt")
    shutil.copy(outside.__file__, folder / "look.py")
    command = [sys.executable, "-I", "-W", "error", "look.py"]
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stderr
    found: Seen = json.loads(ended.stdout)
    return found
