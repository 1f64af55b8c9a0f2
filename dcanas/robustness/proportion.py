"""A share of images with its interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from scipy.stats import binomtest
from torch import Tensor


@dataclass(frozen=True)
class Rate:
    """`correct` of `count` images."""

    correct: int
    count: int

    @classmethod
    def of(cls, mask: Tensor) -> Rate:
        """Return the share of True."""
        return cls(int(mask.sum()), len(mask))

    @property
    def value(self) -> float:
        return self.correct / self.count

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % score interval (Wilson, 1927)."""
        low, high = binomtest(self.correct, self.count).proportion_ci(0.95, method="wilson")
        return float(low), float(high)

    def as_json(self) -> dict[str, Any]:
        return {"correct": self.correct, "n": self.count, "accuracy": self.value, "interval": list(self.interval)}
