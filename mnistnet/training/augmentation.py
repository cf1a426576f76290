"""Random distortions of whole batches of images, on the device where they lie."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from mnistnet.training import acceleration

# Points along each side whose displacement is drawn, linear between them: the random elastic deformations of
# Simard, Steinkraus and Platt (2003), on a coarse grid as Ronneberger, Fischer and Brox (2015) draw them.
KNOTS = 5


def distorted(images: Tensor, degrees: float, shift: float, scale: float, bend: float = 0) -> Tensor:
    """Each image turned, shifted, scaled and bent by its own random amounts, all independent.

    images (n, 1, h, w) float32, background 0, which also fills what comes in from outside; the same
    shape comes back. `degrees`: at most this angle each way. `shift`: at most this share of the side
    each way, along both axes. `scale`: a factor from 1 - scale to 1 + scale, less than 1. All three are
    uniform. `bend`: the standard deviation in pixels, along both axes, by which each of KNOTS x KNOTS
    points is displaced. Draws from torch's default generator of the images' device. Bilinear.
    """
    if not (degrees or shift or scale or bend):
        return images
    n = len(images)
    draws = torch.rand(4, n, device=images.device, dtype=torch.float32) * 2 - 1
    angle = draws[0] * math.radians(degrees)
    # The grid maps output to input positions in [-1, 1], so a factor s enlarges by 1 / s.
    size = 1 / (1 + draws[1] * scale)
    cosine, sine = torch.cos(angle) * size, torch.sin(angle) * size
    theta = torch.stack([cosine, -sine, draws[2] * 2 * shift, sine, cosine, draws[3] * 2 * shift]).T.contiguous()
    knots = KNOTS if bend else 0
    bends = torch.randn(n, 2, knots, knots, device=images.device, dtype=torch.float32) * bend
    kernels = acceleration.load().kernels if images.device.type == "cpu" else None
    return kernels.warp(images, theta, bends) if kernels else sampled(images, theta, bends)


def sampled(images: Tensor, theta: Tensor, bends: Tensor) -> Tensor:
    """Each image sampled where theta and bends say, bilinear, zeros outside, by torch's own operations.

    images (n, 1, h, w); theta (n, 6), each a 2 x 3 matrix from output to input positions in [-1, 1]; bends
    (n, 2, k, k): by how many pixels k x k points look further right and down, linear in between; k of 0: by none.
    """
    height, width = images.shape[2:]
    grid = F.affine_grid(theta.view(-1, 2, 3), list(images.shape), align_corners=False)
    if bends.numel():
        pixels = F.interpolate(bends, (height, width), mode="bilinear", align_corners=True)
        grid += pixels.permute(0, 2, 3, 1) * torch.tensor([2 / width, 2 / height], device=images.device)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
