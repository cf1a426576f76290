"""The trained network of a run: from its newest complete checkpoint, or the gallery's file."""

from torch import nn

from mnistnet.nets.network import build
from mnistnet.runs.run import Run
from mnistnet.runs.sources import source_of
from mnistnet.runs.store.store import Store


def network_of(store: Store, run: Run) -> nn.Sequential:
    """The run's network with its newest weights, in evaluation mode, fp32. Raises as `RunSource.weights`."""
    network = build(run.architecture)
    network.load_state_dict(source_of(store, run).weights(run, network.state_dict()))
    return network.eval()
