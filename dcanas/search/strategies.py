"""How alphas become mixing weights: one small function each, found by name."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from dcanas.basics.registry import Registry

strategies: Registry = Registry("search strategy")


@strategies.add
def softmax(alphas: Sequence[Tensor]) -> list[Tensor]:
    """Mix all options in proportion to exp(alpha) (Liu et al., ICLR 2019, Eq. 2).

    Shape: per slot (options,) -> per slot (options,), summing to 1.
    """
    return [torch.softmax(a, dim=0) for a in alphas]
