"""Random numbers that depend on a sample's number, not on its position in a batch."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import ndtri

from dcanas.basics.keys import derive_seed

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


class Draws:
    """Numbers by (seed, number of the sample, purpose), from a hash instead of a generator with a state.

    The same sample gets the same numbers in any batch and in any order of calls.

    Args:
        indices: number of each sample in its data set (N,).
    """

    def __init__(self, seed: int, indices: np.ndarray):
        self.seed = seed
        self.indices = np.asarray(indices, dtype=np.int64)

    def of(self, rows: np.ndarray | slice) -> Draws:
        """Return the draws of the samples at `rows`: indices (n,) or a slice."""
        return Draws(self.seed, self.indices[rows])

    def uniform(self, count: int, *purpose: Any) -> np.ndarray:
        """Return floats (N, count), uniform in (0, 1)."""
        start = np.uint64(derive_seed(self.seed, *purpose))
        with np.errstate(over="ignore"):
            sample = _mix(self.indices.astype(np.uint64) * _GOLDEN + start)
            bits = _mix(sample[:, None] + _GOLDEN * np.arange(1, count + 1, dtype=np.uint64))
        return ((bits >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52

    def normal(self, count: int, *purpose: Any) -> np.ndarray:
        """Return floats (N, count), standard normal."""
        return ndtri(self.uniform(count, *purpose))

def _mix(value: np.ndarray) -> np.ndarray:
    """Return the finaliser of SplitMix64 (Steele, Lea & Flood, OOPSLA 2014) of every element."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))
