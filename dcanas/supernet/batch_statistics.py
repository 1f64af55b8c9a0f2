"""Batch norm in networks that share weights: running statistics of one architecture would be wrong for the others."""

from __future__ import annotations

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


def use_batch_statistics(network: nn.Module) -> None:
    """Make every batch norm normalise by the batch's own statistics, in training and in evaluation, in place."""
    for module in network.modules():
        if isinstance(module, _BatchNorm):
            module.track_running_stats = False
            module.running_mean = module.running_var = module.num_batches_tracked = None
