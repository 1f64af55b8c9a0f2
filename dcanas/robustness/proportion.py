"""A proportion of images with its confidence interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from dcanas.basics.statistics import wilson_interval


@dataclass(frozen=True)
class Proportion:
    """A proportion of images: `correct` of `count`."""

    correct: int
    count: int

    @classmethod
    def of(cls, mask: Tensor) -> Proportion:
        """Return the proportion of True in a mask (N,)."""
        return cls(int(mask.sum()), len(mask))

    @property
    def value(self) -> float:
        """The proportion, from 0 to 1."""
        return self.correct / self.count

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % score interval (Wilson, 1927)."""
        return wilson_interval(self.value, self.count)

    def as_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {"correct": self.correct, "n": self.count, "accuracy": self.value, "interval": list(self.interval)}
