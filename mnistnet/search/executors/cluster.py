"""The cluster executor: Dask distributed by the address of its scheduler. An extra."""

from mnistnet.errors import OperationFailed
from mnistnet.runs.store.store import Store
from mnistnet.search.executors.executor import Event, Task


class NoCluster(OperationFailed):
    """The cluster cannot be used."""


def require_address(cluster: str, *, insecure: bool) -> None:
    """Not yet."""
    raise NoCluster("cluster")


class Cluster:
    """Not yet."""

    def __init__(self, store: Store, destination: object) -> None:
        raise NoCluster("cluster")

    @property
    def slots(self) -> int:
        """None."""
        return 0

    def submit(self, task: Task) -> None:
        """Not yet."""

    def events(self) -> list[Event]:
        """None."""
        return []

    def cancel(self, key: str) -> None:
        """Not yet."""

    def close(self) -> None:
        """Not yet."""
