"""Square's moves in the L-inf ball: squares whose pixels go to the ball's faces (Algorithm 2 of the paper)."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from dcanas.robustness.balls import BALLS
from dcanas.robustness.draws import Draws


def first(origin: Tensor, eps: float, draws: Draws) -> Tensor:
    """Return the first point (N, C, H, W): vertical stripes of -eps and eps, one sign per column and channel."""
    count, channels, _, width = origin.shape
    numbers = draws.uniform(channels * width, "stripes").reshape(count, channels, 1, width)
    signs = torch.from_numpy(np.where(numbers < 0.5, -1.0, 1.0)).to(origin)
    return BALLS["linf"].project(origin + eps * signs, origin, eps)


def change(best: Tensor, origin: Tensor, eps: float, share: float, draws: Draws, query: int) -> Tensor:
    """Return `best` with one square per image set to -eps or eps, one sign per channel.

    Args:
        best: the best points so far (N, C, H, W).
        origin: the original images (N, C, H, W).
        eps: in [0, 1] units.
        share: of the image's area that the square covers.
        query: number of the query, which decides the draws.
    """
    _, channels, height, width = best.shape
    side = min(max(round(math.sqrt(share * height * width)), 1), height, width)
    numbers = draws.uniform(2 + channels, query)
    top = (numbers[:, 0] * (height - side + 1)).astype(np.int64)[:, None]
    left = (numbers[:, 1] * (width - side + 1)).astype(np.int64)[:, None]
    rows, columns = np.arange(height), np.arange(width)
    inside = torch.from_numpy(((rows >= top) & (rows < top + side))[:, None, :, None] &
                              ((columns >= left) & (columns < left + side))[:, None, None, :]).to(best.device)
    values = torch.from_numpy(np.where(numbers[:, 2:] < 0.5, -eps, eps)).to(best)[:, :, None, None]
    return torch.where(inside, BALLS["linf"].project(origin + values, origin, eps), best)
