"""What a worker of a cluster sends back: one training as bytes, made there and checked here before it is believed.

A zip of stored members: `outcome.json` and the files of a run's folder. Knows no Dask.
"""

import hashlib
import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mnistnet.data import datasets, splits
from mnistnet.errors import OperationFailed
from mnistnet.nets.summary import require
from mnistnet.runs.files import kernels, predictions
from mnistnet.runs.files.names import FIRST_KERNELS
from mnistnet.runs.files.predictions import Predictions, SplitName
from mnistnet.runs.files.verified import CheckpointError
from mnistnet.runs.files.zip_members import BROKEN
from mnistnet.runs.run import EpochMetrics, RunState
from mnistnet.runs.store import bounds, messages
from mnistnet.runs.store.imports import Finished
from mnistnet.search.executors.executor import Task

_DOCUMENT = "outcome.json"
_DOCUMENT_BYTES, _FILE_BYTES = 1_000_000, 16 * 1024**2
_BYTES_PER_PARAMETER = 4 * 5  # as checkpoints have it: weights, averages, two moments, and what batch norm counts
_CHECKPOINT_BYTES = 2 * 1024**2  # of structure, above the parameters
_ACCURACY_TOLERANCE = 0.01  # rounding: the epoch's figure is of logits, the file has probabilities


class BadOutcome(OperationFailed):
    """The bytes are not those of the training that was asked for."""


class Outcome(BaseModel):
    """How a training ended. `epochs` and files are there where it is done or has diverged, `weights_sha256` where it
    is done.

    `seconds` passed on the worker from the task's start to its end; `threads` trained.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    version: Literal[1] = 1
    state: Literal["done", "failed", "diverged", "stopped"]
    message: Annotated[str, Field(max_length=2000)] = ""
    seconds: Annotated[float, Field(ge=0, le=1e9)] = 0.0
    threads: Annotated[int, Field(ge=1, le=4096)] = 1
    epochs: Annotated[tuple[dict[str, Any], ...], Field(max_length=1000, strict=False)] = ()
    weights_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$|^$")] = ""
    sha256: dict[str, str] = {}


def pack(outcome: Outcome, epochs: Sequence[EpochMetrics] = (), files: Mapping[str, bytes] | None = None) -> bytes:
    """The bytes of an outcome, with the hash of each file."""
    whole = outcome.model_copy(
        update={
            "epochs": tuple(map(asdict, epochs)),
            "sha256": {name: hashlib.sha256(data).hexdigest() for name, data in (files or {}).items()},
        }
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(_DOCUMENT, whole.model_dump_json())
        for name, data in (files or {}).items():
            archive.writestr(name, data)
    return buffer.getvalue()


def unpack(data: bytes, task: Task) -> tuple[Outcome, Finished | None]:
    """How the task ended, and what it left where it is done or has diverged. Raises BadOutcome for whatever the task
    cannot leave."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = _members(archive, task)
    except BROKEN as error:
        raise BadOutcome(f"no outcome of a training ({error})") from None
    try:
        outcome = Outcome.model_validate_json(members.pop(_DOCUMENT, b""))
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        raise BadOutcome(f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}") from None
    if outcome.sha256 != {name: hashlib.sha256(file).hexdigest() for name, file in members.items()}:
        raise BadOutcome("its files are not those that were hashed")
    return outcome, _finished(outcome, members, task) if outcome.state in ("done", "diverged") else None


def _members(archive: zipfile.ZipFile, task: Task) -> dict[str, bytes]:
    """The members by name, none before all are known to be stored, of allowed names, and not too large."""
    entries = archive.infolist()
    most = _largest(task)
    for entry in entries:
        is_stored = entry.compress_type == zipfile.ZIP_STORED and entry.file_size == entry.compress_size
        if not is_stored or entry.file_size > most.get(entry.filename, -1):
            raise BadOutcome(f"{entry.filename[:40]!a} is not a file that this training leaves, or too large")
    if len({entry.filename for entry in entries}) < len(entries):
        raise BadOutcome("two of its files have the same name")
    return {entry.filename: archive.read(entry) for entry in entries}


def _largest(task: Task) -> dict[str, int]:
    """The names of the files that a training of the task may leave, and the most bytes of each."""
    checkpoints = _CHECKPOINT_BYTES + require(task.architecture).params * _BYTES_PER_PARAMETER
    epochs = range(1, task.recipe.epochs + 1)
    return {
        _DOCUMENT: _DOCUMENT_BYTES,
        FIRST_KERNELS: _FILE_BYTES,
        **{f"epoch-{epoch:04d}.pt": checkpoints for epoch in epochs},
        **{predictions.guesses_name(epoch): _FILE_BYTES for epoch in epochs},
        **{predictions.name_of(split): _FILE_BYTES for split in _splits(task)},
    }


def _splits(task: Task) -> tuple[SplitName, ...]:
    return ("validation", "test") if task.trial.scored else ("validation",)


def _finished(outcome: Outcome, files: dict[str, bytes], task: Task) -> Finished:
    """The outcome as the store takes it. Raises BadOutcome where a file is not what its epoch or its name says."""
    epochs, is_done = [_epoch(row) for row in outcome.epochs], outcome.state == "done"
    is_whole = len(epochs) == task.recipe.epochs if is_done else len(epochs) < task.recipe.epochs
    if not is_whole or [row.epoch for row in epochs] != list(range(1, len(epochs) + 1)):
        raise BadOutcome(f"{outcome.state} after {len(epochs)} epochs: the recipe has {task.recipe.epochs}")
    _require_checkpoints(outcome, epochs, files, task)
    for row in epochs:
        _require_guesses(row, files, task)
    if FIRST_KERNELS in files and kernels.unpack(files[FIRST_KERNELS]) is None:
        raise BadOutcome(f"{FIRST_KERNELS}: no kernels")
    answers = {split: _answers(outcome, split, files, task) for split in _splits(task)} if is_done else {}
    if not is_done and any(predictions.name_of(split) in files for split in _splits(task)):
        raise BadOutcome("it has predictions, and is not done")
    if is_done and abs(_right(answers["validation"]) - epochs[-1].validation_accuracy) > _ACCURACY_TOLERANCE:
        raise BadOutcome("its predictions are not as accurate as it says")
    test = answers.get("test")
    return Finished(
        epochs=epochs,
        files=files,
        weights_sha256=outcome.weights_sha256 if is_done else None,
        answers={split: predictions.sha256(files[predictions.name_of(split)]) for split in answers},
        threads=outcome.threads,
        seconds=outcome.seconds,
        test_errors=(round((1 - _right(test)) * len(test.labels)), len(test.labels)) if test else None,
        state=RunState(outcome.state),
        message=messages.storable(outcome.message),
    )


def _epoch(row: dict[str, Any]) -> EpochMetrics:
    if row.keys() != bounds.EPOCH.keys():
        raise BadOutcome("an epoch has other figures than this mnistnet's")
    if fault := bounds.epoch_fault(row):
        raise BadOutcome(fault)
    return EpochMetrics(**row)


def _require_checkpoints(
    outcome: Outcome, epochs: Sequence[EpochMetrics], files: Mapping[str, bytes], task: Task
) -> None:
    """BadOutcome unless the last generations are there, of this network, and the last has the weights that it says."""
    from mnistnet.nets.network import build  # torch: a second of importing, once there is something to check
    from mnistnet.runs.files import checkpoint

    like = build(task.architecture, task.recipe.seed).state_dict()
    kept = epochs[-checkpoint.GENERATIONS :]
    if {row.checkpoint for row in kept} != {name for name in files if name.endswith(".pt")}:
        raise BadOutcome("it has other checkpoints than those of its last epochs")
    for row in kept:
        data = files[row.checkpoint]
        if row.checkpoint != checkpoint.name_of(row.epoch) or _differs(data, row.checkpoint_sha256):
            raise BadOutcome(f"{row.checkpoint}: not the checkpoint of epoch {row.epoch}")
        try:
            state = checkpoint.unpack(Path(row.checkpoint), data, row.epoch, like)
        except CheckpointError as error:
            raise BadOutcome(str(error)) from None
    if outcome.state == "done" and checkpoint.weights_sha256(state["kept"]) != outcome.weights_sha256:
        raise BadOutcome("its last checkpoint has other weights than it says")


def _require_guesses(row: EpochMetrics, files: Mapping[str, bytes], task: Task) -> None:
    data = files.get(predictions.guesses_name(row.epoch), b"")
    guesses = predictions.unpack_guesses(data)
    if _differs(data, row.guesses_sha256) or guesses is None or len(guesses.labels) != _images("validation", task):
        raise BadOutcome(f"the guesses of epoch {row.epoch} are damaged or missing")


def _answers(outcome: Outcome, split: SplitName, files: Mapping[str, bytes], task: Task) -> Predictions:
    found = predictions.unpack(files.get(predictions.name_of(split), b""), outcome.weights_sha256)
    if found is None or len(found.labels) != _images(split, task):
        raise BadOutcome(f"its predictions of the {split} images are damaged or missing")
    return found


def _images(split: SplitName, task: Task) -> int:
    found = splits.counts(datasets.source(task.recipe.dataset), task.recipe.protocol)
    return found.validation if split == "validation" else found.test


def _right(answers: Predictions) -> float:
    return float(np.mean(answers.probabilities.argmax(1) == answers.labels))


def _differs(data: bytes, sha256: str | None) -> bool:
    return hashlib.sha256(data).hexdigest() != sha256
