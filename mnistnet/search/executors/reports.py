"""What workers of a cluster tell while tasks are under way, and why tasks fail there. Knows no Dask."""

from dataclasses import dataclass

from mnistnet.runs.store.messages import storable
from mnistnet.search.executors.executor import EpochReported


@dataclass(frozen=True)
class Begun:
    """A worker has begun a task; every attempt at it has a name of its own."""

    key: str
    attempt: str


@dataclass(frozen=True)
class Failure:
    """Why a task has failed. `by_deaths`: workers that had it have died as often as the scheduler forgives, whether
    they had begun it or not."""

    message: str
    by_deaths: bool = False


@dataclass(frozen=True)
class Refused:
    """A worker has other versions and gets no task."""

    message: str


def parsed(told: object) -> EpochReported | Begun | Refused | None:
    """What a worker has told; None for what no worker of ours tells."""
    match told:
        case {"key": str(key), "epoch": int(epoch), "accuracy": float(accuracy)} if 0 <= accuracy <= 1:
            return EpochReported(key, epoch, accuracy)
        case {"key": str(key), "begun": str(attempt)}:
            return Begun(key, attempt)
        case {"refused": str(why)}:
            return Refused(storable(why))
    return None
