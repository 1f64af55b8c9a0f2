"""Random rectangles of each image: what is cropped and resized, and what is erased."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from dcanas.training.draws import Draw

TRIES = 10  # rectangles drawn per image; the first that fits is taken
ERASED_AREA, ERASED_ASPECT = (0.02, 0.33), (0.3, 3.3)  # share of the image, height over width


def crop_and_resize(images: Tensor, area: Sequence[float], aspect: float, draw: Draw) -> Tensor:
    """Return a random rectangle of each image resized bilinearly (Szegedy et al., CVPR 2015).

    If none of the rectangles drawn fits, the largest in the middle of a permitted ratio is taken.

    Args:
        images: (N, C, H, W).
        area: [smallest, largest] share of the image.
        aspect: largest ratio of the sides.
    """
    height, width = images.shape[2:]
    size, fits = _sizes(area, (1 / aspect, aspect), height, width, draw, inclusive=True)
    ratio = min(max(width / height, 1 / aspect), aspect)  # of the fallback
    whole = torch.tensor([min(height, round(width / ratio)), min(width, round(height * ratio))])
    size = torch.where(fits[:, None], size, whole)
    room = torch.tensor([height, width]) - size
    place = (draw.uniform(..., 2) * (room + 1)).long().clamp_max(room)
    place = torch.where(fits[:, None], place, room // 2)
    return resized_crop(images, place, size)


def resized_crop(images: Tensor, place: Tensor, size: Tensor) -> Tensor:
    """Return a rectangle of each image resized bilinearly to (H, W), which shrinks nothing, so nothing is smoothed.

    Args:
        images: (N, C, H, W).
        place: first row and column of each rectangle (N, 2).
        size: rows and columns of each rectangle (N, 2).
    """
    count, channels, height, width = images.shape
    lower, upper, share = [], [], []
    for axis, side in enumerate((height, width)):
        start, length = place[:, axis, None], size[:, axis, None]
        at = (torch.arange(side) + 0.5) * length / side - 0.5  # as torch resizes without aligned corners
        at = at.clamp(min=0)
        below = at.floor().long()
        lower.append((start + below).to(images.device))
        upper.append((start + (below + 1).minimum(length - 1)).to(images.device))
        share.append((at - below).to(images.device))
    down, right = share[0][:, None, :, None], share[1][:, None, None, :]
    lines = images.reshape(count, channels * height, width)

    def at_columns(columns: Tensor) -> Tensor:
        return lines.gather(2, columns[:, None].expand_as(lines)).view_as(images)

    across = at_columns(lower[1]) * (1 - right) + at_columns(upper[1]) * right
    sample = torch.arange(count, device=images.device)[:, None, None]
    channel = torch.arange(channels, device=images.device)[:, None]
    return across[sample, channel, lower[0][:, None]] * (1 - down) + across[sample, channel, upper[0][:, None]] * down


def erase(images: Tensor, probability: float, draw: Draw, fill: Sequence[float]) -> Tensor:
    """Return images (N, C, H, W) in which a rectangle is filled (Random Erasing, arXiv 1708.04896).

    Args:
        probability: that an image is changed.
        fill: value of each channel.
    """
    height, width = images.shape[2:]
    size, fits = _sizes(ERASED_AREA, ERASED_ASPECT, height, width, draw, inclusive=False)
    chosen = fits & (draw.uniform(...) < probability)
    room = torch.tensor([height, width]) - size
    place = (draw.uniform(..., 2) * (room + 1)).long()
    inside = chosen[:, None, None]
    for axis, side in enumerate((height, width)):
        line = torch.arange(side)
        within = (line >= place[:, axis, None]) & (line < (place + size)[:, axis, None])
        inside = inside & (within[:, :, None] if axis == 0 else within[:, None, :])
    return torch.where(inside[:, None].to(images.device), images.new_tensor(fill).view(-1, 1, 1), images)


def _sizes(area: Sequence[float], aspect: Sequence[float], height: int, width: int, draw: Draw,
           inclusive: bool) -> tuple[Tensor, Tensor]:
    """Return (rows, columns) (N, 2) of the first rectangle that fits, and whether there is one (N,).

    Area uniform, logarithm of the ratio uniform. Ratio: columns over rows if inclusive (crops), rows over
    columns if not (erasing), as in torchvision.
    """
    pixels = height * width * (area[0] + (area[1] - area[0]) * draw.uniform(..., TRIES))
    low, high = math.log(aspect[0]), math.log(aspect[1])
    ratio = (low + (high - low) * draw.uniform(..., TRIES)).exp()
    long, short = (pixels * ratio).sqrt().round().long(), (pixels / ratio).sqrt().round().long()
    rows, columns = (short, long) if inclusive else (long, short)
    spare = 1 if inclusive else 0
    good = (rows > 0) & (columns > 0) & (rows < height + spare) & (columns < width + spare)
    first = good.long().argmax(1, keepdim=True)  # of equal values the first
    size = torch.cat([rows.gather(1, first), columns.gather(1, first)], 1)
    fits = good.any(1)
    return torch.where(fits[:, None], size, torch.ones_like(size)), fits
