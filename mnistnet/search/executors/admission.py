"""Which workers of a cluster may train: those with this version of mnistnet and of torch.

A plugin that Dask sends to every worker, also to those that join later. It gives a worker that fits a resource, which
every task asks for: no other worker gets a task, and a worker gets one at a time, however many threads it has. Sent
as source, as the worker may have no mnistnet: imports nothing of it.
"""

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from distributed.diagnostics.plugin import WorkerPlugin

TOPIC = "mnistnet-workers"


def own_versions() -> dict[str, str]:
    """The versions of this process that a worker has to have; of torch the first two numbers."""
    found = {"mnistnet": "none", "torch": "none"}
    try:
        found["mnistnet"] = str(import_module("mnistnet").__version__)
        found["torch"] = ".".join(version("torch").split("+")[0].split(".")[:2])
    except (ImportError, AttributeError, PackageNotFoundError):
        return found
    return found


def resource(versions: dict[str, str]) -> str:
    """The name of the resource of workers with these versions."""
    return f"mnistnet-{versions['mnistnet']}-torch-{versions['torch']}"


def _words(versions: dict[str, str]) -> str:
    return f"mnistnet {versions['mnistnet']} with torch {versions['torch']}"


class Admission(WorkerPlugin):  # type: ignore[misc]  # Dask has no types
    """Gives the worker the resource where its versions are those of the controller, `wanted`."""

    def __init__(self, wanted: dict[str, str]) -> None:
        self.wanted = wanted
        self.name = resource(wanted)

    async def setup(self, worker: Any) -> None:
        """Raises ValueError with one sentence where the versions differ; the worker then gets no task."""
        found, name = own_versions(), resource(self.wanted)
        if found != self.wanted:
            message = (
                f"worker {worker.address} has {_words(found)}, the search has {_words(self.wanted)}: it gets no "
                "training; install the same versions there"
            )
            worker.log_event(TOPIC, {"refused": message})
            raise ValueError(message)
        if name not in worker.state.total_resources:  # Dask counts what is used from 0 again
            await worker.set_resources(**{name: 1})


def wake(name: str, dask_scheduler: Any) -> None:
    """Give tasks that wait to the workers that have the resource. For `Client.run_on_scheduler`.

    Dask looks for such tasks when a worker joins, not when a worker that has joined gets a resource. A task that was
    submitted anew instead would have its workers' deaths forgotten.
    """
    for worker in list(dask_scheduler.workers.values()):
        if name in worker.resources:
            found = dask_scheduler.bulk_schedule_unrunnable_after_adding_worker(worker)
            dask_scheduler.transitions(found, stimulus_id="mnistnet-wake")
