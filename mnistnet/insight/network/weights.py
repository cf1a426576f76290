"""The trained network of a run: from its newest complete checkpoint, or the gallery's file."""

from collections.abc import Mapping
from typing import Any

from torch import nn

from mnistnet import gallery
from mnistnet.errors import OperationFailed
from mnistnet.nets.network import build
from mnistnet.runs import gallery_runs
from mnistnet.runs.files import checkpoint
from mnistnet.runs.files.checkpoint import Weights
from mnistnet.runs.run import Run
from mnistnet.runs.store.store import Store


class NoWeights(OperationFailed):
    """The run has no complete checkpoint."""


def network_of(store: Store, run: Run) -> nn.Sequential:
    """The run's network with its newest weights, in evaluation mode, fp32.

    Raises NoWeights before the first stored epoch, gallery.DamagedEntry where the gallery's weights are not those
    that were evaluated.
    """
    network = build(run.architecture)
    network.load_state_dict(_weights(store, run, network.state_dict()))
    return network.eval()


def _weights(store: Store, run: Run, like: Weights) -> Mapping[str, Any]:
    if entry := gallery_runs.entry_of(run.id):
        from safetensors.torch import load

        return load(gallery.weights(entry))
    found = checkpoint.newest(store.folder(run.id), store.metrics(run.id), like)
    if found is None:
        raise NoWeights(f"run {run.id}: no epoch is stored yet; wait for its first epoch or resume it")
    kept: Mapping[str, Any] = found[1]["kept"]
    if run.weights_sha256 not in (None, checkpoint.weights_sha256(kept)):
        raise NoWeights(f"run {run.id}: the checkpoint of its final weights is damaged; train it again")
    return kept
