"""SWAP: how many different switching patterns the units show (Peng et al., ICLR 2024; arXiv 2403.04161)."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from dcanas.proxies.collect import Collector
from dcanas.proxies.proxy import proxy
from dcanas.proxies.proxy_registry import FACTS
from dcanas.proxies.shared import Shared


class UnitPatterns(Collector):
    """Counts the distinct rows "on which images is this unit on", over all units of all activations."""

    def __init__(self) -> None:
        self._parts: list[np.ndarray] = []

    def activation(self, block: int, before: Tensor, after: Tensor) -> None:
        on = (before.flatten(1) > 0).cpu().numpy()
        self._parts.append(_distinct(np.packbits(on, axis=0)))

    def count(self) -> int:
        return self._merged().shape[1]

    def _merged(self) -> np.ndarray:
        self._parts = [_distinct(np.concatenate(self._parts, axis=1))]
        return self._parts[0]


def _distinct(packed: np.ndarray) -> np.ndarray:
    """Return the distinct columns of bytes. Shape: (bytes, units) -> (bytes, distinct units)."""
    wide = -len(packed) % 8
    words = np.ascontiguousarray(np.pad(packed, ((0, wide), (0, 0))).T).view(np.uint64)
    found = np.unique(words[:, 0])[:, None] if words.shape[1] == 1 else np.unique(words, axis=0)
    return np.ascontiguousarray(found).view(np.uint8).T[:len(packed)]


@proxy(FACTS["swap"], needs=["forward"], collect=[UnitPatterns])
def swap(shared: Shared) -> float:
    """Return the number of distinct patterns over the batch (not regularised by size; see `swap_regularised`)."""
    return float(shared[UnitPatterns].count())


def swap_regularised(score: float, params: float, mu: float, sigma: float) -> float:
    """Return the SWAP score times exp(-(params - mu)^2 / sigma): prefers networks of about `mu` parameters."""
    return score * float(torch.exp(torch.tensor(-((params - mu) ** 2) / sigma, dtype=torch.float64)))
