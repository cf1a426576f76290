"""The epochs of a run as an event file of TensorBoard, by tensorboardX. Needs the extra `tensorboard`."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mnistnet.exports.material import Material
from mnistnet.extras import Extra
from mnistnet.runs.run import EpochMetrics, RunState

EXTRA = Extra("tensorboard", ("tensorboardX",))
SCALARS = {
    "loss/train": "train_loss",
    "loss/validation": "validation_loss",
    "accuracy/train": "train_accuracy",
    "accuracy/validation": "validation_accuracy",
    "learning_rate": "learning_rate",
    "seconds": "seconds",
}
_NAME = "events.out.tfevents"  # TensorBoard reads files with `tfevents` in their names
_VERSION = "brain.Event:2"  # of the format, in each file's first event


def tensorboard(material: Material) -> dict[str, bytes]:
    """One event file in a folder named after design and run, which TensorBoard takes as the name of the run.

    Scalars (float32) by epoch: `loss/train`, `loss/validation`, `accuracy/train`, `accuracy/validation`,
    `learning_rate`, `seconds` (of training); texts `design` and `recipe`; hyperparameters: the recipe's fields, the
    design's name and parameters. The times of events are the run's start plus the seconds of training so far (from 0
    for a run of the gallery, whose start is unknown), so that the same run gives the same bytes.

    Raises NeedsRun for a design without a run, MissingExtra.
    """
    material.required("tensorboard")
    EXTRA.require()
    from tensorboardX.record_writer import RecordWriter

    with TemporaryDirectory() as folder:
        path = Path(folder) / _NAME
        writer = RecordWriter(str(path))
        for event in _events(material):
            writer.write(event.SerializeToString())
        writer.close()
        return {f"{material.stem}/{_NAME}": path.read_bytes()}


def _events(material: Material) -> Iterator[Any]:
    """The events in the order of the file, as tensorboardX's protocol buffers."""
    from tensorboardX import summary
    from tensorboardX.proto.event_pb2 import Event

    result = material.required("tensorboard")
    time = result.run.started or 0.0
    yield Event(wall_time=time, file_version=_VERSION)
    declared, began, ended = summary.hparams(_hyperparameters(material), dict.fromkeys(SCALARS))
    for one in (declared, began):
        yield Event(wall_time=time, summary=one)
    texts = {"design": material.architecture.to_json(), "recipe": material.recipe.model_dump_json(indent=2)}
    for tag, text in texts.items():
        yield Event(wall_time=time, step=0, summary=summary.text(tag, _code(text)))
    for row in result.metrics:
        time += row.seconds
        for tag, value in _scalars(row).items():
            yield Event(wall_time=time, step=row.epoch, summary=summary.scalar(tag, value))
    if result.run.state is RunState.DONE:
        yield Event(wall_time=time, summary=ended)


def _hyperparameters(material: Material) -> dict[str, str | int | float]:
    run = material.required("tensorboard").run
    return {"design": material.architecture.name, "parameters": run.params, **material.recipe.model_dump()}


def _scalars(row: EpochMetrics) -> dict[str, float]:
    return {tag: getattr(row, field) for tag, field in SCALARS.items()}


def _code(text: str) -> str:
    """Markdown of a code block that ends nowhere before the text does."""
    return "\n".join(f"    {line}" for line in text.splitlines())
