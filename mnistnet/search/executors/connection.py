"""The executor that a search asks for: this machine's queue, or the cluster at an address."""

from typing import Protocol

from mnistnet.runs.store.store import Store
from mnistnet.search.executors.executor import Executor
from mnistnet.search.executors.local import LocalQueue


class Destination(Protocol):
    """Where a search is to be trained."""

    @property
    def cluster(self) -> str: ...
    @property
    def insecure(self) -> bool: ...
    @property
    def owner(self) -> str: ...


def connect(store: Store, destination: Destination, threads: int) -> Executor:
    """The executor for a search whose trainings use so many threads each. Raises what the cluster's raises."""
    if not destination.cluster:
        return LocalQueue(store, threads, destination.owner)
    from mnistnet.search.executors.cluster import Cluster

    return Cluster(store, destination)


def require_usable(cluster: str, *, insecure: bool) -> None:
    """Raise what is wrong with the address of a cluster, without connecting; nothing for this machine's own queue."""
    if cluster:
        from mnistnet.search.executors.cluster import require_address

        require_address(cluster, insecure=insecure)
