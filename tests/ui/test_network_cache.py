"""Results of a network are computed once for the same weights and arguments, and again for others."""

from dataclasses import replace

import numpy as np
import pytest

from mnistnet.data.datasets import Bytes
from mnistnet.insight.network.steps import Steps
from mnistnet.runs.run import Run
from mnistnet.runs.store.store import Store
from mnistnet.ui import network_cache
from tests.support.samples import running

pytestmark = pytest.mark.usefixtures("still")
IMAGE = np.zeros((28, 28), np.uint8)


def test_a_result_is_computed_again_for_other_weights_and_other_arguments_only(store: Store) -> None:
    asked: list[object] = []

    @network_cache._computed("Counting")
    def counted(run: Run, image: Bytes, number: int) -> Steps[int]:
        """Its argument."""
        yield 0.5
        asked.append((run.id, int(image.sum()), number))
        return number

    run = running(store)
    assert [counted(run, IMAGE, 1), counted(run, IMAGE.copy(), 1), counted(replace(run, step=9), IMAGE, 1)] == [1, 1, 1]
    assert len(asked) == 1
    others = [(run, IMAGE, 2), (run, IMAGE + np.uint8(1), 1), (replace(run, epochs_done=2), IMAGE, 1)]
    others += [(replace(run, weights_sha256="0" * 64), IMAGE, 1)]
    for arguments in others:
        counted(*arguments)
    assert len(asked) == 1 + len(others)
    assert counted.__doc__ == "Its argument."
