"""The channels of every expansion in the order of their importance, so that the first ones make the best slice."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from dcanas.spaces.mbconv_notation import Chain

PER_CHANNEL = ("expand.0.weight", "expand.1.weight", "expand.1.bias", "expand.1.running_mean", "expand.1.running_var",
               "depthwise.0.weight", "depthwise.1.weight", "depthwise.1.bias", "depthwise.1.running_mean",
               "depthwise.1.running_var")  # one entry for each channel of the expansion, along the first dimension
READS = "project.0.weight"  # one entry for each along the second


def by_importance(state: Mapping[str, Tensor], chain: Chain) -> dict[str, Tensor]:
    """Return the weights of a network with the channels of every expansion sorted; it computes the same function.

    The importance of a channel is the sum of the magnitudes of the weights that write it and that read it, times the
    magnitude of its batch norm's scale, after Once-for-All (Cai et al., ICLR 2020, section 3.3).

    Args:
        state: parameters and statistics of the whole network, under the names of `mbconv`. Blocks that are not whole
            are left as they are.
        chain: the network.
    """
    ordered = dict(state)
    for number, stage in enumerate(chain.stages):
        for block, kind in enumerate(stage.blocks):
            place = f"stages.{number}.{block}."
            if kind.expansion == 1 or any(place + name not in state for name in (*PER_CHANNEL, READS)):
                continue
            order = torch.argsort(_importance(state, place), descending=True, stable=True)
            ordered |= {place + name: state[place + name][order] for name in PER_CHANNEL}
            ordered[place + READS] = state[place + READS][:, order]
    return ordered


def _importance(state: Mapping[str, Tensor], place: str) -> Tensor:
    """Return the importance of every channel of a block's expansion; shape: (channels,)."""
    written = state[place + "expand.0.weight"].float().abs().sum((1, 2, 3))
    read = state[place + READS].float().abs().sum((0, 2, 3))
    return (written + read) * state[place + "depthwise.1.weight"].float().abs()
