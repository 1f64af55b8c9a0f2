"""NEAR: the effective rank of what layers and activations put out (Husistein et al., 2024; arXiv 2408.08776)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from dcanas.proxies.collect import Collector
from dcanas.proxies.proxy import proxy
from dcanas.proxies.proxy_registry import FACTS
from dcanas.proxies.shared import Shared

WIDEST = 512


class EffectiveRanks(Collector):
    """Sums effective ranks of square samples: as many positions, evenly over the batch, as there are channels.

    Of layers wider than 512 channels 512 are taken, evenly: a decomposition costs the cube of its side.
    """

    def __init__(self) -> None:
        self.total = 0.0

    def activation(self, block: int, before: Tensor, after: Tensor) -> None:
        self.total += effective_rank(_square(after))

    def layer(self, layer: nn.Module, output: Tensor) -> None:
        self.total += effective_rank(_square(output))


def _square(values: Tensor) -> Tensor:
    rows = values.movedim(1, -1).reshape(-1, values.shape[1])
    count = min(*rows.shape, WIDEST)
    return rows[_evenly(len(rows), count)][:, _evenly(rows.shape[1], min(rows.shape[1], WIDEST))]


def _evenly(length: int, count: int) -> Tensor:
    return torch.linspace(0, length - 1, count, dtype=torch.float64).round().long()


def effective_rank(matrix: Tensor) -> float:
    """Return exp of the entropy of the normalised singular values (Roy & Vetterli, 2007); 0 for a zero matrix."""
    values = torch.linalg.svdvals(matrix.double())
    total = values.sum()
    if not total > 0:
        return 0.0
    share = values / total
    return float(torch.exp(-(share * torch.log(share.clamp_min(1e-300))).sum()))


@proxy(FACTS["near"], needs=["forward"], collect=[EffectiveRanks])
def near(shared: Shared) -> float:
    """Return the sum of effective ranks of pre-activations (layer outputs) and activations."""
    return shared.layer_values(EffectiveRanks).total
