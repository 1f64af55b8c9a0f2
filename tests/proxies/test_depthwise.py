"""Channels convolved on their own run channels-last: scores are those of the same network written otherwise."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from proxy_networks import Blocks
from torch import nn

from dcanas.proxies import score_network
from dcanas.proxies.correlation import BLOCK, sample_correlation


def block(channels: int, side: int, *, dense: bool) -> nn.Module:
    """A depthwise convolution, or the dense one that is zero between channels."""
    torch.manual_seed(side)
    depthwise = nn.Conv2d(channels, channels, side, padding=side // 2, groups=channels, bias=False)
    if not dense:
        return depthwise
    found = nn.Conv2d(channels, channels, side, padding=side // 2, bias=False)
    with torch.no_grad():
        found.weight.zero_()
        for i in range(channels):
            found.weight[i, i] = depthwise.weight[i, 0]
    return found


def network(*, dense: bool) -> nn.Module:
    def own() -> nn.Module:
        torch.manual_seed(0)
        return nn.Conv2d(3, 12, 1)

    torch.manual_seed(1)
    head = nn.Linear(12, 4)
    return Blocks(nn.Sequential(own(), block(12, 3, dense=dense), nn.BatchNorm2d(12), nn.ReLU6()),
                  nn.Sequential(block(12, 5, dense=dense), nn.BatchNorm2d(12), nn.ReLU6()),
                  nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), head))


def test_depthwise_scores_are_those_of_the_dense_network():
    images, labels = torch.randn(8, 3, 16, 16, generator=torch.Generator().manual_seed(2)), torch.arange(8) % 4
    names = ["synflow", "jacov", "wrcor", "nwot", "meco"]
    one, other = (score_network(network(dense=dense), images, labels, names) for dense in (False, True))
    for name in names:
        assert one[name].status == "ok"
        assert one[name].value == pytest.approx(other[name].value, rel=2e-4), name


def test_correlation_by_blocks_is_numpys():
    values = torch.randn(5, 7, 60, 61, generator=torch.Generator().manual_seed(0)) + 3
    assert values[0].numel() > BLOCK // 5  # more than one block
    expected = np.corrcoef(values.flatten(1).double().numpy())
    for laid_out in (values, values.contiguous(memory_format=torch.channels_last)):
        assert sample_correlation(laid_out) == pytest.approx(expected, abs=1e-12)
