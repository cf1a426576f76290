"""Networks that train in a moment on the offline digits, with their recipes and runs. No test of its own."""

from dataclasses import asdict
from typing import Any

from mnistnet.nets.architecture import Architecture, strict_architecture
from mnistnet.runs.run import EpochMetrics, Run
from mnistnet.runs.store import transitions
from mnistnet.runs.store.store import Store
from mnistnet.training import recipe as recipes
from mnistnet.training.recipe import Recipe

# What makes a database of this version one of version 1.
TO_VERSION_1 = (
    "ALTER TABLE runs DROP COLUMN scored",
    "ALTER TABLE runs DROP COLUMN trial",
    "ALTER TABLE runs DROP COLUMN search",
    "ALTER TABLE runs DROP COLUMN start_sha256",
    "ALTER TABLE runs DROP COLUMN epochs_before",
    "ALTER TABLE runs DROP COLUMN started_from",
    "ALTER TABLE epochs DROP COLUMN guesses_sha256",
    "ALTER TABLE runs DROP COLUMN test_answers_sha256",
    "ALTER TABLE runs DROP COLUMN validation_answers_sha256",
    "ALTER TABLE runs DROP COLUMN owner",
    "PRAGMA user_version = 1",
)


def design(*layers: dict[str, Any], name: str = "sample") -> Architecture:
    return strict_architecture({"name": name, "layers": list(layers)})


def conv(channels: int, kernel: int = 3, **fields: Any) -> dict[str, Any]:
    return {"type": "conv", "channels": channels, "kernel": kernel, **fields}


# Batch norm, both kinds of dropout and biases: everything that has a state or draws random numbers.
TINY = design(
    conv(8, 5, stride=2, after=["batchnorm", "relu", "dropout"], dropout=0.1),
    {"type": "maxpool", "size": 2},
    conv(8, after=["relu", "batchnorm", "dropout2d"], dropout=0.1, bias=True),
    {"type": "globalavgpool"},
    {"type": "linear", "features": 10},
    name="tiny",
)
# No batch norm and nothing that saturates: a rate of 10 takes it beyond any finite loss in its first epoch.
EXPLOSIVE = design(
    *[conv(8, padding=1)] * 4, {"type": "globalavgpool"}, {"type": "linear", "features": 10}, name="explosive"
)


def recipe(**fields: Any) -> Recipe:
    """On the digits and one thread, three epochs, unless `fields` say otherwise."""
    return recipes.recipe({"dataset": "digits", "epochs": 3, "threads": 1, "batch_size": 128, **fields})


def running(store: Store, architecture: Architecture = TINY, **fields: Any) -> Run:
    """A new run that this process has claimed and started, the next in the queue."""
    store.enqueue(architecture, recipe(**fields))
    return started(store)


def started(store: Store) -> Run:
    """The next run of the queue, claimed and started."""
    claimed = transitions.claim(store, 1_000)
    assert claimed is not None
    run = transitions.start(store, claimed.id, claimed.attempt)
    assert run is not None
    return run


def metrics(epoch: int, **fields: Any) -> EpochMetrics:
    """A stored epoch with figures that nobody measured."""
    figures = {
        "train_loss": 1.0,
        "train_accuracy": 0.5,
        "validation_loss": 1.5,
        "validation_accuracy": 0.25,
        "learning_rate": 0.1,
        "seconds": 2.0,
        "images_per_second": 500.0,
        "checkpoint": f"epoch-{epoch:04d}.pt",
        "checkpoint_sha256": "",
    }
    return EpochMetrics(epoch=epoch, **{**figures, **fields})


def figures(rows: list[EpochMetrics]) -> list[dict[str, Any]]:
    """What must not depend on the machine's mood: every figure but the times."""
    times = ("seconds", "images_per_second", "checkpoint_sha256")
    return [{name: value for name, value in asdict(row).items() if name not in times} for row in rows]
