"""Hand-ins and runs that are honest, made without training: the accuracy of random weights. No test of its own."""

import json
from dataclasses import asdict
from typing import Any

import torch
from safetensors.torch import save

from mnistnet import __version__
from mnistnet.data import datasets, splits
from mnistnet.exports.code import model_py
from mnistnet.handins import log, manifest
from mnistnet.handins.archive import DESIGN, LOG, MANIFEST, METRICS, MODEL, RECIPE, WEIGHTS
from mnistnet.handins.manifest import Claims, Figure, Manifest, Versions
from mnistnet.insight.network.probe import Probe
from mnistnet.nets.architecture import Architecture
from mnistnet.nets.network import build
from mnistnet.nets.rules import COURSE
from mnistnet.nets.summary import require
from mnistnet.runs.files import checkpoint, zip_members
from mnistnet.runs.run import EpochMetrics, Run
from mnistnet.runs.store import transitions
from mnistnet.runs.store.store import Store
from mnistnet.training.progress import EpochDone
from mnistnet.training.recipe import Recipe
from tests.support.samples import conv, design, recipe, running

# Without dropout and fully connected layers; small enough to be scored in a moment.
SMALL = design(conv(4, 5, stride=2, after=["batchnorm", "relu"]), conv(10, 3), {"type": "globalavgpool"}, name="small")
ANY_ACCURACY = COURSE.changed(name="any-accuracy", title="Any accuracy", accuracy=0.0001)

Files = dict[str, bytes]


def honest(architecture: Architecture = SMALL, seed: int = 1, **fields: Any) -> Files:
    """The files of a hand-in under the course protocol, all of which agree with each other."""
    how = recipe(protocol="course", seed=seed, **fields)
    network = build(architecture, seed)
    errors, total = _score(network, how)
    rows = [_epoch(number, how, (total - errors) / total, seed) for number in range(1, how.epochs + 1)]
    lines = [",".join(asdict(rows[0])), *(",".join(map(repr, asdict(row).values())) for row in rows)]
    files = {
        MODEL: model_py(architecture, how).encode(),
        WEIGHTS: save({name: tensor.contiguous() for name, tensor in network.state_dict().items()}),
        LOG: log.text(rows, how).encode(),
        METRICS: "".join(f"{line}\r\n" for line in lines).encode(),
        DESIGN: architecture.to_json().encode(),
        RECIPE: how.model_dump_json(indent=2).encode(),
    }
    figure = Figure(accuracy=(total - errors) / total, errors=errors, total=total)
    claimed = Manifest(
        version=manifest.VERSION,
        run="46dc7c25",
        profile=COURSE.name,
        design=architecture,
        recipe=how,
        claims=Claims(parameters=require(architecture).params, epochs=how.epochs, test=figure, validation=figure),
        log=manifest.epochs(rows),
        files=manifest.listed(files),
        versions=Versions(mnistnet=__version__, torch=torch.__version__, python="3.11"),
    )
    return {MANIFEST: claimed.to_json(), **files}


def finished(store: Store, network: torch.nn.Sequential, architecture: Architecture) -> Run:
    """A run that is done, of one epoch under the course protocol, with the weights of the network and their score."""
    run = running(store, architecture, protocol="course", epochs=1)
    state = network.state_dict()
    saved = {"epoch": 1, "network": state, "kept": state, "optimizer": {}}
    name, sha256 = checkpoint.save(store.folder(run.id), 1, saved)
    errors, total = _score(network, run.recipe)
    epoch = asdict(_epoch(1, run.recipe, (total - errors) / total, 1))
    transitions.record_epoch(store, run.id, EpochMetrics(**epoch, checkpoint=name, checkpoint_sha256=sha256))
    transitions.complete(store, run.id, (errors, total), checkpoint.weights_sha256(state))
    return store.run(run.id)


def _score(network: torch.nn.Sequential, how: Recipe) -> tuple[int, int]:
    images, labels = datasets.load_test(how.dataset)
    logits = Probe(network, datasets.source(how.dataset)).logits(images)
    return int((logits.argmax(1) != labels).sum()), len(labels)


def _epoch(number: int, how: Recipe, accuracy: float, seed: int) -> EpochDone:
    used = splits.counts(datasets.source(how.dataset), how.protocol).train
    used -= used % how.batch_size == 1
    loss = 2.3 / number + seed / 7
    return EpochDone(number, loss, 0.5, loss * 1.1, accuracy, how.learning_rate / 2, 2.0, used / 2.0)


def claimed(files: Files) -> dict[str, Any]:
    """The manifest as plain values."""
    found: dict[str, Any] = json.loads(files[MANIFEST])
    return found


def claiming(files: Files, value: dict[str, Any], *, hashes: bool = True) -> Files:
    """The files with another manifest; `hashes`: with the hashes of the files as they are, as a cheat writes it."""
    others = {name: data for name, data in files.items() if name != MANIFEST}
    if hashes:
        value = {**value, "files": {name: one.model_dump() for name, one in manifest.listed(others).items()}}
    return {MANIFEST: json.dumps(value).encode(), **others}


def zipped(files: Files) -> bytes:
    return zip_members.packed(files)
