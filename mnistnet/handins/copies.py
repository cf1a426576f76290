"""Logs and weights that are another's: hand-ins compared with each other and with the gallery.

Numbers of two trainings with different seeds differ in every digit; a log or a set of weights that is almost another's
was not trained by itself. Equal design, recipe, seed and number of threads on the same kind of machine give equal
results honestly, too: the message says so.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from mnistnet import gallery
from mnistnet.data.datasets import Floats
from mnistnet.handins.manifest import Epoch
from mnistnet.training.progress import EpochDone

_ALMOST = 1e-3  # relative: losses of all epochs that agree so closely are one training's
_FEW = 3  # epochs, fewer of which may agree almost by chance
_NEAR = 0.05  # distance of two sets of weights over their length: trainings from different seeds are above 1
_PARAMETERS = (".weight", ".bias")
_HONEST = "the same design, recipe and seed on a machine of the same kind give the same numbers: ask how it was made"


@dataclass(frozen=True, eq=False)
class Result:
    """The figures that are compared: `losses` (epochs, 2), the training and the validation loss of each; `weights`, all
    trained ones as one vector, None where they are not known. `name`: whose they are, `folder` of them all apart."""

    name: str
    losses: Floats
    weights: Floats | None = None


def losses(rows: Sequence[Epoch | EpochDone]) -> Floats:
    """The training and validation loss of each epoch, (epochs, 2)."""
    return np.array([(row.train_loss, row.validation_loss) for row in rows])


def vector(tensors: dict[str, Floats]) -> Floats:
    """All trained weights in the order of their names, (n,)."""
    chosen = [tensors[name].ravel() for name in sorted(tensors) if name.endswith(_PARAMETERS)]
    return np.concatenate(chosen) if chosen else np.zeros(0, np.float32)


@cache
def known() -> tuple[Result, ...]:
    """The logs and weights that come with mnistnet: those of the gallery."""
    found = []
    for name, entry in gallery.entries().items():
        for outcome in entry.outcomes:
            weights = None if entry.is_final_fit or outcome is not entry.outcomes[0] else _of_gallery(entry)
            found.append(Result(f"the gallery's {name}, seed {outcome.seed}", losses(outcome.curve), weights))
    return tuple(found)


def _of_gallery(entry: gallery.Entry) -> Floats:
    from safetensors.numpy import load

    return vector(load(gallery.weights(entry)))


def same_log(one: Result, others: Iterable[Result]) -> str | None:
    """The sentence on the first other result with the same log; None where there is none."""
    for other in others:
        count = min(len(one.losses), len(other.losses))
        mine, theirs = one.losses[:count], other.losses[:count]
        equal = int((mine == theirs).all(axis=1).sum())
        if equal:
            return f"equal to that of {other.name} in {equal} of {len(one.losses)} epochs; {_HONEST}"
        is_whole = len(one.losses) == len(other.losses) >= _FEW
        if is_whole and all(map(_is_almost, mine.ravel().tolist(), theirs.ravel().tolist())):
            return f"that of {other.name} but for the last digits, in all {count} epochs"
    return None


def same_weights(one: Result, others: Iterable[Result]) -> str | None:
    """The sentence on the first other result with the same weights; None where there is none."""
    if one.weights is None:
        return None
    length = float(np.linalg.norm(one.weights))
    for other in others:
        if other.weights is None or other.weights.shape != one.weights.shape:
            continue
        distance = float(np.linalg.norm(one.weights - other.weights))
        if distance <= _NEAR * length:
            return f"almost those of {other.name}" if distance else f"equal to those of {other.name}; {_HONEST}"
    return None


def _is_almost(mine: float, theirs: float) -> bool:
    return math.isclose(mine, theirs, rel_tol=_ALMOST)
