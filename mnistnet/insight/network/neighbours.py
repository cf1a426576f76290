"""The training images whose features are most similar to those of a given image. No torch."""

import numpy as np

from mnistnet.data.datasets import Floats


def nearest(features: Floats, wanted: Floats, count: int) -> list[tuple[int, float]]:
    """The `count` rows of `features` (n, d) with the largest cosine to `wanted` (d,), the largest first.

    Returns pairs of a row's index and its cosine, which is 0 for a row of zeros.
    """
    lengths = np.linalg.norm(features, axis=1) * np.linalg.norm(wanted)
    cosines = np.divide(features @ wanted, lengths, out=np.zeros(len(features), np.float32), where=lengths > 0)
    order = np.argsort(-cosines, kind="stable")[:count]
    return [(int(place), float(cosines[place])) for place in order]
