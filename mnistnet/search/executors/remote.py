"""What a worker of a cluster does: train one task, tell each epoch, return all of it as bytes. Needs no store.

One training at a time in a process: torch's random numbers, its threads and the kernels' belong to the process.
"""

import json
import secrets
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from distributed import get_worker
from distributed.utils import sync
from distributed.worker import thread_state

from mnistnet import system
from mnistnet.errors import MnistnetError
from mnistnet.nets import architecture as designs
from mnistnet.nets.architecture import Architecture
from mnistnet.runs import limits
from mnistnet.runs.run import RunState
from mnistnet.runs.store.messages import storable
from mnistnet.runs.worker.environment import prepare
from mnistnet.search.executors import outcome
from mnistnet.search.executors.executor import Task
from mnistnet.search.executors.outcome import Outcome
from mnistnet.training import recipe as recipes
from mnistnet.training.progress import EpochDone
from mnistnet.training.recipe import Recipe


@dataclass(frozen=True)
class Training:
    """One task as a worker has it; the fields of a `Wanted`."""

    key: str
    topic: str
    architecture: Architecture
    recipe: Recipe
    scored: bool
    epochs_before: int = 0

    @property
    def threads(self) -> int:
        """The recipe's; one where it leaves the number open, as a machine has a worker for each core."""
        return min(self.recipe.threads or 1, system.cores())


def document(task: Task, topic: str) -> str:
    """The task as text: JSON, nothing that has to be unpickled."""
    return json.dumps(
        {
            "key": task.key,
            "topic": topic,
            "design": json.loads(task.architecture.to_json()),
            "recipe": task.recipe.model_dump(),
            "scored": task.trial.scored,
        }
    )


def parse(text: str) -> Training:
    """The task in a text. Raises DesignError, RecipeError."""
    found = json.loads(text)
    design = designs.parse(json.dumps(found["design"]))
    return Training(found["key"], found["topic"], design, recipes.recipe(found["recipe"]), found["scored"])


def begin(train: Callable[[str], bytes], text: str) -> bytes:
    """`train` a task, once the scheduler knows that this worker has begun it: should the worker die, it counts."""
    wanted, worker = json.loads(text), get_worker()
    begun = {"key": wanted["key"], "begun": secrets.token_hex(8)}
    sync(worker.loop, worker.scheduler.log_event, topic=wanted["topic"], msg=begun)
    return train(text)


def train(text: str) -> bytes:
    """Train a task to its end. Returns an outcome, whatever happens: `outcome.unpack` has its form."""
    began = time.monotonic()
    try:
        wanted = parse(text)
        prepare(wanted.threads)
        limits.require_allowed(wanted.architecture, wanted.recipe)
        return _trained(wanted, began)
    except MnistnetError as error:
        return _failed(str(error), began)
    except Exception as error:  # noqa: BLE001 - whatever it was, the search's log has it
        traceback.print_exc()
        return _failed(f"{type(error).__name__}: {error}".splitlines()[0], began)


def _trained(wanted: Training, began: float) -> bytes:
    from mnistnet.runs.worker import training_job  # torch: with the memory set as it wants it
    from mnistnet.runs.worker.collected import Collector

    def tell(epoch: EpochDone) -> None:
        report = {"key": wanted.key, "epoch": epoch.epoch, "accuracy": epoch.validation_accuracy}
        get_worker().log_event(wanted.topic, report)

    collector = Collector(tell, _is_cancelled)
    end = training_job.work(wanted, collector)
    seconds = time.monotonic() - began
    if end is None:
        done = Outcome(state="done", seconds=seconds, threads=wanted.threads, weights_sha256=collector.weights_sha256)
        return outcome.pack(done, collector.epochs, collector.files)
    if end.state is RunState.DIVERGED:
        diverged = Outcome(state="diverged", message=storable(end.message), seconds=seconds, threads=wanted.threads)
        return outcome.pack(diverged, collector.epochs, collector.files)
    # Its hours are over: without a store to resume it from, it would begin anew and not come further.
    message = end.message.partition(";")[0]
    return outcome.pack(Outcome(state="failed" if message else "stopped", message=message, seconds=seconds))


def _failed(message: str, began: float) -> bytes:
    return outcome.pack(Outcome(state="failed", message=storable(message), seconds=time.monotonic() - began))


def _is_cancelled() -> bool:
    """True where nobody waits for this task any more: the scheduler has told the worker to release it."""
    with suppress(ValueError, AttributeError):  # no worker: called by itself
        state: Any = get_worker().state
        task = state.tasks.get(thread_state.key)
        return task is None or task.state not in ("executing", "long-running")
    return False
