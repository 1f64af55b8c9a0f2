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
    """Return images (N, C, H, W), each a random rectangle resized bilinearly to the whole (Szegedy et al., CVPR 2015).

    If none of the rectangles drawn fits, the largest in the middle of a permitted ratio is taken. A crop is never
    larger than the result, so there is nothing to smooth before sampling.

    Args:
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
    """Return a rectangle of each image resized bilinearly to (H, W).

    Args:
        images: (N, C, H, W).
        place: first row and column of each rectangle (N, 2).
        size: rows and columns of each rectangle (N, 2).
    """
    height, width = images.shape[2:]
    lower, upper, share = [], [], []
    for axis, side in enumerate((height, width)):
        start, length = place[:, axis, None], size[:, axis, None]
        at = (torch.arange(side) + 0.5) * length / side - 0.5  # as torch resizes without aligned corners
        at = at.clamp(min=0)
        below = at.floor().long()
        lower.append((start + below).to(images.device))
        upper.append((start + (below + 1).minimum(length - 1)).to(images.device))
        share.append((at - below).to(images.device))
    sample = torch.arange(len(images), device=images.device)[:, None, None]

    def at_corner(rows: Tensor, columns: Tensor) -> Tensor:  # (N, H, W, C)
        return images[sample, :, rows[:, :, None], columns[:, None, :]]

    down, right = share[0][:, :, None, None], share[1][:, None, :, None]
    top = at_corner(lower[0], lower[1]) * (1 - right) + at_corner(lower[0], upper[1]) * right
    bottom = at_corner(upper[0], lower[1]) * (1 - right) + at_corner(upper[0], upper[1]) * right
    return (top * (1 - down) + bottom * down).permute(0, 3, 1, 2).contiguous()


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
