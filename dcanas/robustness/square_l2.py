"""Square's moves in the L2 ball: peaks in windows, whose budget is taken from other windows (Algorithm 3)."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from dcanas.robustness.balls import BALLS
from dcanas.robustness.draws import Draws

_TINY = 1e-12
_TILES = 5  # the first point is a grid of 5 x 5 peaks


def first(origin: Tensor, eps: float, draws: Draws) -> Tensor:
    """Return the first point (N, C, H, W): a grid of peaks of random signs, scaled to length eps."""
    count, channels, height, width = origin.shape
    side = max(min(height, width) // _TILES, 1)
    rows, columns = height // side, width // side
    numbers = draws.uniform(rows * columns * (channels + 1), "tiles").reshape(count, rows * columns, channels + 1)
    signs = np.where(numbers[:, :, :channels] < 0.5, -1.0, 1.0)
    top, left = (height - rows * side) // 2, (width - columns * side) // 2
    delta = np.zeros(origin.shape)
    for tile in range(rows * columns):
        y, x = top + tile // columns * side, left + tile % columns * side
        shape = _peaks(side, numbers[:, tile, channels])
        delta[:, :, y:y + side, x:x + side] += shape[:, None] * signs[:, tile, :, None, None]
    return _onto(torch.from_numpy(delta).to(origin), origin, eps)


def change(best: Tensor, origin: Tensor, eps: float, share: float, draws: Draws, query: int) -> Tensor:
    """Return `best` with new peaks in one window per image, paid for by clearing another window.

    Args:
        best: the best points so far (N, C, H, W).
        origin: the original images (N, C, H, W).
        eps: in [0, 1] units.
        share: of the image's area that a window covers.
        query: number of the query, which decides the draws.
    """
    count, channels, height, width = best.shape
    side = _odd_side(share, height, width)
    numbers = draws.uniform(5 + channels, query)
    window, other = (_window(numbers[:, k:k + 2], side, height, width, best) for k in (0, 2))
    delta = best - origin
    sample = torch.arange(count, device=best.device)[:, None, None, None]
    channel = torch.arange(channels, device=best.device)[None, :, None, None]
    here, there = (sample, channel, *window), (sample, channel, *other)
    inside = torch.zeros_like(delta)
    inside[here], inside[there] = 1, 1
    free = (eps**2 - delta.square().sum((1, 2, 3))).clamp_min(0)[:, None] / channels
    budget = (free + (delta * inside).square().sum((2, 3))).sqrt()  # length that each channel may have in both windows
    signs = torch.from_numpy(np.where(numbers[:, 5:] < 0.5, -1.0, 1.0)).to(best)
    fresh = torch.from_numpy(_peaks(side, numbers[:, 4])).to(best)[:, None] * signs[:, :, None, None]
    fresh = fresh + _unit(delta[here])
    delta[there] = 0
    delta[here] = _unit(fresh) * budget[:, :, None, None]
    return _onto(delta, origin, eps)


def _onto(delta: Tensor, origin: Tensor, eps: float) -> Tensor:
    """Return the image at distance eps in this direction, clipped to [0, 1]."""
    length = delta.flatten(1).norm(dim=1).clamp_min(_TINY)[:, None, None, None]
    return BALLS["l2"].project(origin + delta * (eps / length), origin, eps)


def _unit(windows: Tensor) -> Tensor:
    return windows / (windows.square().sum((2, 3), keepdim=True).sqrt() + _TINY)


def _window(numbers: np.ndarray, side: int, height: int, width: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Return rows (N, 1, side, 1) and columns (N, 1, 1, side) of a random window per image."""
    top = (numbers[:, 0] * (height - side + 1)).astype(np.int64)[:, None] + np.arange(side)
    left = (numbers[:, 1] * (width - side + 1)).astype(np.int64)[:, None] + np.arange(side)
    return (torch.from_numpy(top).to(like.device)[:, None, :, None],
            torch.from_numpy(left).to(like.device)[:, None, None, :])


def _odd_side(share: float, height: int, width: int) -> int:
    side = max(round(math.sqrt(share * height * width)), 3)
    side += side % 2 == 0
    least = min(height, width)
    return min(side, least - (least % 2 == 0)) if least > 1 else 1


def _peaks(side: int, numbers: np.ndarray) -> np.ndarray:
    """Return the window's pattern for each image, upright or on its side as the number says, (N, side, side)."""
    pattern = _pattern(side)
    return np.where((numbers < 0.5)[:, None, None], pattern, pattern.T)


@lru_cache(maxsize=64)
def _pattern(side: int) -> np.ndarray:
    """Return two peaks of opposite sign, one above the other, of length 1 together (Eq. 3 of the paper)."""
    upper = side // 2
    halves = [_peak(upper, side)] if upper else []
    pattern = np.concatenate([*halves, -_peak(side - upper, side)])
    return pattern / np.linalg.norm(pattern)


def _peak(height: int, width: int) -> np.ndarray:
    """Return nested rectangles around the centre, the k-th adding 1 / k^2, of length 1."""
    peak = np.zeros((height, width))
    y, x = height // 2, width // 2
    for k in range(max(y, x) + 1):
        peak[max(y - k, 0):y + k + 1, max(x - k, 0):x + k + 1] += 1 / (k + 1) ** 2
    return peak / np.linalg.norm(peak)
