"""The connection to a Dask scheduler: tasks by key, their reports and ends, and which workers there are.

Whatever is lost with a connection is lost on purpose: whoever uses this submits anew what has not ended.
"""

import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from typing import Any

import cloudpickle
from distributed import Client, Future
from distributed.scheduler import KilledWorker
from distributed.utils import LoopRunner

from mnistnet.runs.store.messages import storable
from mnistnet.search.executors import admission, reports
from mnistnet.search.executors.address import Address, NoCluster
from mnistnet.search.executors.admission import Admission
from mnistnet.search.executors.answering import require_answer
from mnistnet.search.executors.executor import EpochReported
from mnistnet.search.executors.reports import Begun, Failure, Refused

CONNECT_SECONDS = 5.0
_RESULT_SECONDS = 30.0
# What Dask raises where the connection is lost during a call.
_LOST = (OSError, TimeoutError, CancelledError, RuntimeError)


class Scheduler:
    """The scheduler at an address.

    At the last look: `workers`, how many may train; `waits_for`, why none may, empty where some may.
    """

    def __init__(self, address: Address) -> None:
        self.address, self.workers, self.waits_for = address, 0, ""
        self._client: Any = None
        self._loop = LoopRunner(asynchronous=False)
        self._new: dict[str, Any] = {}  # submitted, and not published yet
        self._old: set[str] = set()  # to be forgotten, by this connection or the next
        self._topics: set[str] = set()
        self._told: SimpleQueue[object] = SimpleQueue()
        self._said: set[str] = set()
        self._versions = admission.own_versions()
        self._needed: dict[str, float] = {admission.resource(self._versions): 1}

    # Connection

    def try_to_connect(self) -> None:
        """Connect where the scheduler answers. Raises NoCluster where it does and no worker fits."""
        with suppress(_Unreachable):
            self.connect()

    def connect(self) -> None:
        """Have a connection. Raises NoCluster where none can be made, or where the one there was is lost."""
        if self._client is not None:
            if self._client.status == "running":
                return
            raise self._lost("the connection is lost")
        try:
            require_answer(self.address, CONNECT_SECONDS)
            if not self._loop.is_started():
                self._loop.start()  # one thread for all attempts: a client that does not connect would leave its own
            client = Client(self.address.text, timeout=CONNECT_SECONDS, set_as_default=False, loop=self._loop.loop)
        except (OSError, ValueError) as error:
            raise _Unreachable(
                f"cluster {self.address.text}: no scheduler answers ({_short(error)}); waiting for the scheduler: "
                "`python -m mnistnet cluster` prints how to start one"
            ) from None
        self._client = client
        try:
            self._subscribe(admission.TOPIC)
            self._admit()
            self.look()
        except _LOST as error:
            raise self._lost(_short(error)) from None

    def _admit(self) -> None:
        """Send the plugin to all workers. Raises NoCluster where there are some and none fits."""
        plugin = Admission(self._versions)
        try:
            with _as_source():
                self._client.register_plugin(plugin, name=plugin.name)
        except ValueError as error:
            self.look()
            if not self.workers:
                self.close()
                raise NoCluster(storable(str(error))) from None
            self._say(storable(str(error)))

    def _lost(self, why: str) -> NoCluster:
        self.close()
        return _Unreachable(f"cluster {self.address.text}: {why}; waiting for the scheduler")

    def close(self) -> None:
        """Close the connection; the scheduler keeps what was submitted."""
        client, self._client = self._client, None
        self._topics.clear()
        self._new, self.workers = {}, 0
        if client is not None:
            with suppress(*_LOST):
                client.close(timeout=2)

    # Tasks

    def submit(self, key: str, topic: str, function: Any, arguments: Sequence[Any], resources: dict[str, float]) -> Any:
        """The future of a task, which the scheduler may have already. Raises NoCluster."""
        self._needed = {admission.resource(self._versions): 1, **resources}
        try:
            self._subscribe(topic)
            self._old.discard(key)
            self._new[key] = self._client.submit(function, *arguments, key=key, resources=self._needed, pure=False)
        except _LOST as error:
            raise self._lost(_short(error)) from None
        return self._new[key]

    def flush(self) -> None:
        """Have the scheduler keep what is new and forget what is old: two calls, of however many tasks.

        What is kept is published: it outlives this connection, and whoever submits the key again finds it, or its
        result. Raises NoCluster.
        """
        if self._client is None:  # what it knew is gone with the connection
            return
        try:
            if self._old:
                self._client.unpublish_dataset(list(self._old))
                self._client.cancel([Future(key, self._client) for key in self._old], force=True)
            if self._new:
                self._client.publish_dataset(self._new, override=True)
        except _LOST as error:
            raise self._lost(_short(error)) from None
        self._new = {}
        self._old.clear()

    def ended(self, future: Any) -> bytes | Failure | None:
        """What the task returned, or why it has failed; None where it has not ended. Raises NoCluster."""
        if future.status == "pending":
            return None
        if future.status == "error":
            return _failure(future.exception(timeout=_RESULT_SECONDS))
        if future.status != "finished":  # its client has lost the scheduler, and perhaps found it again
            raise self._lost("the connection was lost")
        try:
            found = future.result(timeout=_RESULT_SECONDS)
        except KilledWorker as error:
            return _failure(error)
        except _LOST as error:
            if future.status == "pending":  # its result was lost with its worker: it is trained again
                return None
            raise self._lost(_short(error)) from None
        return found if isinstance(found, bytes) else Failure("what its worker sent is no result of a training")

    def forget(self, key: str) -> None:
        """Let the scheduler forget a task at the next `flush`; one that trains ends then."""
        self._new.pop(key, None)
        self._old.add(key)

    def reports(self) -> Iterator[EpochReported | Begun]:
        """What workers have told since the last call, some of it perhaps twice."""
        with suppress(Empty):
            while True:
                told = reports.parsed(self._told.get_nowait())
                if isinstance(told, Refused):
                    self._say(told.message)
                elif told:
                    yield told

    def _subscribe(self, topic: str) -> None:
        if topic not in self._topics:
            self._topics.add(topic)
            self._client.subscribe_topic(topic, lambda event: self._told.put(event[1]))
            for _, message in self._client.get_events(topic) or ():  # told before, to nobody or to an earlier process
                self._told.put(message)

    # Workers

    def look(self) -> None:
        """Count the workers that may have the tasks that were submitted last. Raises NoCluster."""
        try:
            found = self._client.scheduler_info(n_workers=-1)["workers"].values()
        except _LOST as error:
            raise self._lost(_short(error)) from None
        self.workers = sum(
            all(worker["resources"].get(name, 0) >= amount for name, amount in self._needed.items()) for worker in found
        )
        self.waits_for = ""
        if not self.workers:
            what = " with a GPU (started with --resources GPU=1)" if "GPU" in self._needed else ""
            self.waits_for = f"cluster {self.address.text}: no worker{what} yet, of {len(found)}; tasks wait"
            self._say(self.waits_for)

    def wake(self, waiting: set[str]) -> None:
        """Have workers given those of the waiting tasks that none has, if there are such. Raises NoCluster."""
        try:
            if waiting - {key for keys in self._client.processing().values() for key in keys}:
                with _as_source():
                    self._client.run_on_scheduler(admission.wake, admission.resource(self._versions))
        except _LOST as error:
            raise self._lost(_short(error)) from None

    def _say(self, message: str) -> None:
        """Tell the search's log, once."""
        if message not in self._said:
            self._said.add(message)
            sys.stderr.write(f"{message}\n")


@contextmanager
def _as_source() -> Iterator[None]:
    """Send what is pickled here of `admission` as source: schedulers, and some workers, have no mnistnet."""
    cloudpickle.register_pickle_by_value(admission)
    try:
        yield
    finally:
        cloudpickle.unregister_pickle_by_value(admission)


class _Unreachable(NoCluster):
    """No scheduler answers, for now."""


def _short(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return storable(error.strerror)[:200]
    return storable(f"{type(error).__name__}: {error}".splitlines()[0])[:200]


def _failure(error: BaseException | None) -> Failure:
    return Failure(_short(error) if error else "no reason was told", by_deaths=isinstance(error, KilledWorker))
