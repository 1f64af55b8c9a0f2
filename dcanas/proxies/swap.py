"""SWAP: how many different switching patterns the units show (Peng et al., ICLR 2024; arXiv 2403.04161)."""

from __future__ import annotations

import numpy as np
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
        """Return the number of distinct rows."""
        return int(_distinct(np.concatenate(self._parts, axis=1)).shape[1])


def _distinct(packed: np.ndarray) -> np.ndarray:
    """Return the distinct columns of bytes. Shape: (bytes, units) -> (bytes, distinct units)."""
    wide = -len(packed) % 8
    words = np.ascontiguousarray(np.pad(packed, ((0, wide), (0, 0))).T).view(np.uint64)
    found = np.unique(words[:, 0])[:, None] if words.shape[1] == 1 else np.unique(words, axis=0)
    return np.ascontiguousarray(found).view(np.uint8).T[:len(packed)]


@proxy(FACTS["swap"], needs=["forward"], collect=[UnitPatterns])
def swap(shared: Shared) -> float:
    """Return the number of distinct patterns over the batch, without the published regularisation by size."""
    return float(shared[UnitPatterns].count())
