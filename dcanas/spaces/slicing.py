"""The part of a weight that a smaller network of the same kind takes over."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor


def cut(weight: Tensor, shape: Sequence[int]) -> Tensor:
    """Return the slice of a weight that has a shape, as a view: the first channels and the centre of the filters.

    It is the first entries along the first two dimensions and the centre along the others.
    """
    for dim, (full, part) in enumerate(zip(weight.shape, shape, strict=True)):
        if full != part:
            weight = weight.narrow(dim, 0 if dim < 2 else (full - part) // 2, part)
    return weight
