"""The executor that a search asks for: this machine's queue, or the cluster at an address."""

from typing import Protocol

from mnistnet.runs.store.store import Store
from mnistnet.search.executors import address
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
    """The executor for a search whose trainings use so many threads each. Raises BadAddress, NoCluster."""
    if not destination.cluster:
        return LocalQueue(store, threads, destination.owner)
    place = address.require_address(destination.cluster, insecure=destination.insecure)
    from mnistnet.search.executors.cluster import Cluster  # Dask: only where a cluster is asked for
    from mnistnet.search.executors.scheduler import Scheduler

    return Cluster(store, Scheduler(place), destination.owner)


def require_usable(cluster: str, *, insecure: bool) -> None:
    """Raise what is wrong with the address of a cluster, without connecting; nothing for this machine's own queue.

    Raises BadAddress, NoCluster.
    """
    if cluster:
        address.require_address(cluster, insecure=insecure)
