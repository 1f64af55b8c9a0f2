"""Untrained networks whose files have the structure of trained ones."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def with_random_statistics(network: torch.nn.Module, seed: int = 0) -> torch.nn.Module:
    """Return a copy whose batch norms have random statistics, scales and shifts near their usual values.

    Freshly initialised ones are the identity: folding them leaves convolutions without a bias, and equal
    vectors are merged, so the file is smaller and may run differently from the trained network's.
    """
    import torch

    network = copy.deepcopy(network)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
                for tensor, low in ((module.weight, 0.5), (module.bias, -0.5), (module.running_mean, -0.5),
                                    (module.running_var, 0.5)):
                    if tensor is not None:
                        tensor.copy_(torch.rand(tensor.shape, generator=generator) + low)
    return network
