"""Looking into a network has limits: memory whatever the design, and seconds after which a page asks."""

import json
import subprocess
import sys
import time

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from mnistnet import links
from mnistnet.insight.network.receptive_fields import EffectiveField
from mnistnet.insight.network.steps import Steps
from mnistnet.nets.architecture import Architecture
from mnistnet.runs import limits
from mnistnet.runs.limits import OverLimit, require_memory_for_probe
from mnistnet.runs.store.store import Store
from mnistnet.ui import computations, network_cache
from mnistnet.ui.computations import TakesLong
from tests.support.pages import button, opened
from tests.support.samples import TINY, conv, design

FIELD = EffectiveField(np.ones((28, 28), np.float32))
BARE = {"padding": 1, "bias": False, "after": ["relu"]}
# As many values as are allowed, in wide layers and in many: 4.8 and 1.2 million an image. At a batch of 1,000, as all
# images of a look once were, their maps would take 19 and 5 GB.
LARGEST = design(
    conv(512, 3, **BARE),
    *[{"type": "depthwise", "kernel": 3, **BARE}] * 10,
    conv(10, 1),
    {"type": "globalavgpool"},
)
LINKED = design(
    conv(128, 3, **BARE), *[{"type": "depthwise", "kernel": 3, **BARE}] * 10, conv(10, 1), {"type": "globalavgpool"}
)

_LOOKS = """
import json, resource, sys
import numpy as np
import torch
from mnistnet.data import datasets
from mnistnet.insight.network import receptive_fields, saliency
from mnistnet.insight.network.probe import Probe
from mnistnet.insight.network.steps import finish
from mnistnet.nets.architecture import parse
from mnistnet.nets.network import build

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

torch.set_num_threads(1)
design = parse(sys.stdin.buffer.read())
images = np.random.default_rng(0).integers(0, 256, (60, 28, 28), dtype=np.uint8)
torch.ones(10, 10) @ torch.ones(10, 10)
before = peak()
probe = Probe(build(design), datasets.source("mnist"))
last = len(design.layers) - 2
finish(receptive_fields.effective_fields(probe, [0, last], images[:6]))
finish(receptive_fields.unit_attributions(probe, [0, last], images[0], 3))
finish(receptive_fields.top_activations(probe, last, 0, images, 3))
finish(probe.features(images))
finish(probe.answers(images))
probe.shown(images[0])
saliency.gradient(probe, images[0], 3)
print(json.dumps(peak() - before))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is in other units elsewhere, or unknown")
@pytest.mark.parametrize("architecture", [LARGEST, LINKED], ids=["largest", "linked"])
def test_looking_into_any_design_takes_less_than_a_gigabyte(architecture: Architecture) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", _LOOKS], input=architecture.to_json(), capture_output=True, text=True, encoding="utf-8"
    )
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout) < 1024


def test_a_network_that_takes_more_memory_than_allowed_is_not_looked_into(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(limits.VARIABLE, "memory_mb=800")
    with pytest.raises(OverLimit, match=r"looking into this network needs about 0\.9 GB of memory: at most 0\.8 GB"):
        require_memory_for_probe(TINY)


@pytest.fixture
def impatient(still: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store whose pages soon ask whether to continue."""
    monkeypatch.setenv(limits.VARIABLE, "look_seconds=0.0001")
    monkeypatch.setattr(computations, "_SLICE_SECONDS", 0.0)
    return still


def waiting(app: AppTest) -> list[str]:
    return [one.value for one in app.markdown if "done after" in one.value]


@pytest.mark.usefixtures("impatient")
def test_a_page_says_when_its_seconds_are_over_and_continues_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened("receptive_fields", design=links.encode_design(TINY))
    (told,) = waiting(app)
    assert told.startswith(":material/hourglass_top: Measuring the effective receptive field of each layer")
    assert not app.exception
    monkeypatch.setenv(limits.VARIABLE, "look_seconds=60")
    button(app, "Continue").click().run()
    assert not waiting(app)
    assert not [*app.exception, *app.error]


@pytest.mark.usefixtures("impatient")
def test_a_part_of_a_page_asks_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """What drives a channel is a fragment: what it raises would reach nobody else."""
    monkeypatch.setattr(network_cache, "effective_fields", lambda subject, *_: dict.fromkeys(range(5), FIELD))
    app = opened("receptive_fields", design=links.encode_design(TINY))
    (told,) = waiting(app)
    assert told.startswith(":material/hourglass_top: Searching the images that activate this channel most")
    assert not app.exception


def test_a_result_is_computed_once_however_often_it_is_asked_for(still: Store) -> None:
    del still
    asked: list[int] = []

    def start() -> Steps[int]:
        asked.append(1)
        yield 0.5
        return 7

    assert [computations.result(("once",), start, "Counting") for _ in range(3)] == [7, 7, 7]
    assert len(asked) == 1


def test_a_computation_that_failed_is_begun_anew_by_the_next_to_ask(still: Store) -> None:
    del still
    asked: list[int] = []

    def start() -> Steps[int]:
        asked.append(1)
        yield 0.5
        if len(asked) == 1:
            raise OverLimit("too large")
        return 7

    with pytest.raises(OverLimit):
        computations.result(("failing",), start, "Counting")
    assert computations.result(("failing",), start, "Counting") == 7


@pytest.mark.usefixtures("impatient")
def test_who_is_told_that_it_takes_long_can_allow_more() -> None:
    def start() -> Steps[int]:
        yield 0.5
        time.sleep(0.001)
        yield 0.9
        return 7

    with pytest.raises(TakesLong, match=r"^Counting: \d+% done after 0 s; the network is large") as told:
        computations.result(("long",), start, "Counting")
    told.value.computation.allow(60)
    assert computations.result(("long",), start, "Counting") == 7
