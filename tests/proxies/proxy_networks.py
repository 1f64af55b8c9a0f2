"""Small networks for the tests of proxies."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from dcanas.spaces import load_space

CELL = "|nor_conv_3x3~0|+|nor_conv_1x1~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_3x3~1|skip_connect~2|"


class Blocks(nn.Module):
    """A network of the blocks given, run in order."""

    def __init__(self, *blocks: nn.Module):
        super().__init__()
        self.blocks = nn.ModuleList(blocks)

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = block(x)
        return x


def small_network(code: str = CELL, seed: int = 0, channels: int = 4, cells: int = 1) -> nn.Module:
    space = load_space("nasbench201")
    torch.manual_seed(seed)
    return space.build(space.parse(code), channels=channels, cells=cells)
