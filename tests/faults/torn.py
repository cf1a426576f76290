"""Workers killed while they write a sample: `python -m tests.faults.torn ROOT RUN KILLS SEED`. No test of its own.

Each worker is a fork, so that torch and the kernels are imported once; a sample is written after every batch. After
each death a line of JSON is printed: the epoch that was stored last, and the positions of the samples that are left.
"""

import json
import os
import random
import signal
import sys
from pathlib import Path

from mnistnet.data import datasets
from mnistnet.runs.files import samples
from mnistnet.runs.store import transitions
from mnistnet.runs.store.store import Store
from mnistnet.runs.worker import supervisor, training_job, worker
from mnistnet.training import acceleration
from tests.faults.deadly import arm

assert training_job, "imported before the forks, which import it too"


def die(store: Store, run_id: str, sample: int, when: str) -> None:
    """The next attempt at the run, in a fork that dies at its `sample`-th sample."""
    claimed = transitions.claim(store, 1_000)
    assert claimed is not None
    child = os.fork()
    if child == 0:
        samples.SECONDS = 0.0
        arm("os:write", sample, when)
        worker.work(store, run_id, claimed.attempt)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), f"it ended before its sample {sample}"
    assert os.WTERMSIG(status) == signal.SIGKILL


def main(store: Store, run_id: str, kills: int, seed: int) -> None:
    acceleration.load()
    datasets.load("digits")
    draw = random.Random(seed)
    for number in range(kills):
        die(store, run_id, draw.randrange(1, 30), ("before", "within", "after")[number % 3])
        supervisor.mark_dead(store, store.active())
        positions = [sample.position for sample in samples.read(store.folder(run_id))]
        sys.stdout.write(json.dumps({"stored": store.run(run_id).epochs_done, "positions": positions}) + "\n")
        store.resume(run_id)


if __name__ == "__main__":
    root, run, kills, seed = sys.argv[1:]
    main(Store(Path(root)), run, int(kills), int(seed))
