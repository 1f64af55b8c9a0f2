"""Partial channels (PC-DARTS; Xu et al., ICLR 2020, section 3.2): most channels pass by the candidate operations.

Of every source node the first 1 / K channels go through an edge's candidates; the rest pass by, weighted as the edge
is. Joined, the channels are shuffled in K groups, so that others go through the candidates next time. The shuffle is
one fixed permutation and is done once per node, after the sum over its edges.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from dcanas.basics.errors import UserError
from dcanas.spaces import CellSpec, Space


def check_partial(space: Space, spec: CellSpec, bottleneck: int, partial: int) -> None:
    """Raise `UserError` if channels cannot bypass the candidates of this cell."""
    if spec.in_channels != spec.out_channels:
        raise UserError(f"search.partial_channels={partial} needs cells that keep their number of channels, and one of "
                        f"{space.name} turns {spec.in_channels} into {spec.out_channels}; set it to 1 (all channels).")
    inside = spec.in_channels // bottleneck
    if inside % partial:
        narrowed = f" (behind search.bottleneck={bottleneck})" if bottleneck > 1 else ""
        raise UserError(f"search.partial_channels={partial} must divide the supernet's channels, {inside} "
                        f"here{narrowed}; choose a divisor of that.")


def bypass(source: Tensor, partial: int, stride: int) -> Tensor:
    """Return the channels that bypass the candidates, max-pooled if the edge has a stride.

    Shape: (N, C, H, W) -> (N, C - C / partial, ceil(H / stride), ceil(W / stride)).
    """
    through = source.shape[1] // partial
    rest = source.narrow(1, through, source.shape[1] - through)
    return rest if stride == 1 else F.max_pool2d(rest, stride, stride, ceil_mode=True)


def shuffle(x: Tensor, groups: int) -> Tensor:
    """Return the channels of (N, C, H, W) in the order 0, C/g, 2C/g, ..., 1, C/g + 1, ... for g groups."""
    channels = x.shape[1]
    order = torch.arange(channels, device=x.device).view(groups, channels // groups).T.reshape(-1)
    return x.index_select(1, order)
