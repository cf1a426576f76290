"""The pattern on a design against the modules that are built from it."""

import pytest

from mnistnet.nets.architecture import Architecture
from mnistnet.nets.network import build
from mnistnet.nets.presets import PRESETS
from mnistnet.nets.summary import summarize
from mnistnet.training.kernels import accelerate, fast_path, pattern
from mnistnet.training.kernels.replacement import described
from tests.support.random_designs import designs
from tests.support.samples import conv, design

PARTS = {"Chain": "chain", "Normalization": "normalization", "MaxPool2x2": "maxpool"}
SEPARABLE = ({"type": "depthwise", "kernel": 3, "padding": 1}, conv(6, 1, after=["batchnorm", "relu"]))
DROPOUT = {"type": "dropout2d", "rate": 0.0}
# Random designs hardly ever hold a chain.
CHAINED = [
    design(*before, *SEPARABLE * count, *between, *SEPARABLE, *behind, conv(10, 1), {"type": "globalavgpool"})
    for before in ([], [conv(4, padding=1, after=["batchnorm", "relu"]), {"type": "maxpool", "size": 2}], [conv(4)])
    for between in ([], [{"type": "maxpool", "size": 2}], [{"type": "avgpool", "size": 2}], [DROPOUT])
    for behind in ([], [{"type": "globalavgpool"}])
    for count in (1, 2)
]
SAMPLES = [*(preset.architecture for preset in PRESETS.values()), *CHAINED, *designs(300, seed=7)]


@pytest.mark.parametrize("architecture", SAMPLES[:: len(SAMPLES) // 40])
def test_a_design_trains_by_the_parts_that_it_is_said_to(architecture: Architecture) -> None:
    found = pattern.blocks(pattern.operations(architecture, summarize(architecture)))
    parts = [PARTS.get(type(part).__name__, "torch") for part in accelerate(build(architecture))]
    assert [block.part for block in found] == parts


def test_a_design_and_its_modules_are_described_alike() -> None:
    for architecture in SAMPLES:
        modules = [described(module) for module in build(architecture)]
        assert pattern.operations(architecture, summarize(architecture)) == modules


def test_every_row_of_a_summary_has_a_way() -> None:
    for architecture in SAMPLES:
        summary = summarize(architecture)
        assert len(fast_path(architecture, summary).rows) == len(summary.rows)


def test_chains_were_among_the_samples() -> None:
    chains = [fast_path(architecture, summarize(architecture)).chains for architecture in CHAINED]
    assert {len(found) for found in chains} >= {1, 2}
