"""Which pixels support a prediction: by occlusion and by gradient. Imports no torch itself.

The gradient (Simonyan, Vedaldi and Zisserman, 2014) gives the effect of an infinitely small change of each pixel.
Occlusion (Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks", 2014) gives the effect of
removing a patch; the image that remains may be unlike any training image. Each alone misleads.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mnistnet.data.datasets import Bytes, Floats
from mnistnet.insight.network.steps import Steps
from mnistnet.nets.summary import IMAGE_SIZE

if TYPE_CHECKING:
    from torch import Tensor

    from mnistnet.insight.network.probe import Probe

PATCH = 5  # side of the square that covers a part of the image, in pixels
PAPER, INK = 0, 255  # brightness of that square


@dataclass(frozen=True, eq=False)
class Occlusion:
    """Logits with a patch around each pixel in turn, (28, 28, 10), and without a patch, (10,); float32."""

    logits: Floats
    plain: Floats

    def effect(self, towards: int, against: int | None = None) -> Floats:
        """(28, 28): the drop of the logit `towards`, or of its lead over `against`, caused by each patch.

        Positive where the covered pixels supported `towards`.
        """
        drop = self.plain - self.logits
        lead: Floats = drop[..., towards] - (0 if against is None else drop[..., against])
        return lead

    @property
    def answers(self) -> npt.NDArray[np.int64]:
        """The class predicted with the patch around each pixel, (28, 28)."""
        answers: npt.NDArray[np.int64] = self.logits.argmax(2)
        return answers


def covered(image: Bytes, row: int, column: int, shade: int, side: int = PATCH) -> Bytes:
    """A copy of image (28, 28) uint8 with a patch of brightness `shade` (0 to 255) around one pixel.

    The patch is `side` pixels wide, an odd number, and is cut off at the edge of the image.
    """
    half, altered = side // 2, image.copy()
    altered[max(0, row - half) : row + half + 1, max(0, column - half) : column + half + 1] = shade
    return altered


def occlusion(probe: "Probe", image: Bytes, shade: int = PAPER, side: int = PATCH) -> Steps[Occlusion]:
    """The logits of image (28, 28) uint8 `covered` around each pixel in turn, and of the image itself."""
    variants = [covered(image, *divmod(place, IMAGE_SIZE), shade, side) for place in range(IMAGE_SIZE**2)]
    answers = yield from probe.answers(np.stack([*variants, image]))
    return Occlusion(answers[:-1].reshape(IMAGE_SIZE, IMAGE_SIZE, -1), answers[-1])


def gradient(probe: "Probe", image: Bytes, towards: int, against: int | None = None) -> Floats:
    """(28, 28): the derivative of the logit `towards`, or of its lead over `against`, by each pixel.

    Positive where more ink raises the logit. `image` is (28, 28) uint8. The unit is logits for one standard deviation
    of the data set's pixels.
    """

    def lead(maps: "dict[int, Tensor]") -> "Tensor":
        answers = maps[max(maps)].flatten(1)
        return answers[:, towards] - (0 if against is None else answers[:, against])

    found: Floats = probe.gradients(image[None], lead)[0]
    return found
