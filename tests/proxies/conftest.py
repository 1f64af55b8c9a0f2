"""One small network and one small batch."""

from __future__ import annotations

import pytest
import torch
from proxy_networks import small_network
from torch import Tensor, nn


@pytest.fixture
def net() -> nn.Module:
    return small_network()


@pytest.fixture
def batch() -> tuple[Tensor, Tensor]:
    """12 images of noise, 8x8, and labels in which each of the first six classes comes twice."""
    draw = torch.Generator().manual_seed(1)
    return torch.randn(12, 3, 8, 8, generator=draw), torch.arange(12) % 6
