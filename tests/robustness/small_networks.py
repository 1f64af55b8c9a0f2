"""Small random networks, and a batch they classify rightly."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def random_network(seed: int, channels: int = 1, side: int = 8, classes: int = 5) -> nn.Module:
    """Return a network of random weights with batch norm and dropout, in training mode, on images in [0, 1]."""
    torch.manual_seed(seed)
    network = nn.Sequential(nn.Conv2d(channels, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(), nn.AvgPool2d(2),
                            nn.Flatten(), nn.Dropout(0.5), nn.Linear(6 * (side // 2) ** 2, classes))
    with torch.no_grad():
        network[-1].weight.mul_(5)
    return network.train()


def batch(network: nn.Module, seed: int, count: int, channels: int = 1, side: int = 8) -> tuple[Tensor, Tensor]:
    """Return random images and labels that the network gives them, the last one wrong."""
    images = torch.rand(count, channels, side, side, generator=torch.Generator().manual_seed(seed))
    network.eval()
    with torch.no_grad():
        logits = network(images)
    network.train()
    labels = logits.argmax(1)
    labels[-1] = (labels[-1] + 1) % logits.shape[1]
    return images, labels
