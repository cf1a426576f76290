"""The training images that a network finds most like a given one. No torch."""

import numpy as np

from mnistnet.insight.network.results import Floats


def nearest(features: Floats, wanted: Floats, count: int) -> list[tuple[int, float]]:
    """The `count` rows of `features` (n, d) with the largest cosine to `wanted` (d,), with it, the largest first.

    Rows of zeros are like nothing: their cosine is 0.
    """
    lengths = np.linalg.norm(features, axis=1) * np.linalg.norm(wanted)
    cosines = np.divide(features @ wanted, lengths, out=np.zeros(len(features), np.float32), where=lengths > 0)
    order = np.argsort(-cosines, kind="stable")[:count]
    return [(int(place), float(cosines[place])) for place in order]
