"""Which pixels an answer hangs on: by gradient, and by covering them. Each alone misleads.

The gradient (Simonyan, Vedaldi and Zisserman, 2014) says what an arbitrarily small change would do, pixel by pixel;
covering (Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks", 2014) what taking away a patch
does, however far from the network's habits the rest then is.
"""

import numpy as np
from torch import Tensor

from mnistnet.data.datasets import Bytes
from mnistnet.insight.network.probe import Probe
from mnistnet.insight.network.results import PAPER, PATCH, Floats, Occlusion
from mnistnet.insight.network.steps import Steps
from mnistnet.nets.summary import IMAGE_SIZE


def gradient(probe: Probe, image: Bytes, towards: int, against: int | None = None) -> Floats:
    """(28, 28): the logit `towards`, or its lead over `against`, by the brightness of each pixel.

    Positive where more ink would help `towards`.
    """

    def lead(maps: dict[int, Tensor]) -> Tensor:
        answers = maps[max(maps)].flatten(1)
        return answers[:, towards] - (0 if against is None else answers[:, against])

    found: Floats = probe.gradients(image[None], lead)[0]
    return found


def occlusion(probe: Probe, image: Bytes, shade: int = PAPER, side: int = PATCH) -> Steps[Occlusion]:
    """The answers to image (28, 28) uint8 with a patch of `shade` (0 to 255) around each pixel.

    The patch is `side` pixels wide, an odd number, and ends where the image ends.
    """
    half = side // 2
    variants = np.repeat(image[None], IMAGE_SIZE**2, axis=0)
    for place, variant in enumerate(variants):
        down, across = divmod(place, IMAGE_SIZE)
        variant[max(0, down - half) : down + half + 1, max(0, across - half) : across + half + 1] = shade
    answers = yield from probe.answers(np.concatenate([variants, image[None]]))
    return Occlusion(answers[:-1].reshape(IMAGE_SIZE, IMAGE_SIZE, -1), answers[-1])
