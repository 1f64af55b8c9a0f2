"""Counts that are not sums over slots: exact, one plan at a time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from dcanas.costs.counts import Counts, count_architecture
from dcanas.costs.linearise import ExpectedByFit
from dcanas.costs.model import Domain
from dcanas.spaces import Architecture, Space


@dataclass(frozen=True)
class PlanCost(ExpectedByFit):
    """One of the counts, read from each architecture's own plan; `base` is added to all."""

    space: Space
    domain: Domain
    name: str
    unit: str = ""
    dtype: str = "fp32"
    source: str = "counted"
    base: float = 0.0

    def value(self, arch: Architecture) -> float:
        return self.base + float(getattr(_counts(self.space, arch, self.domain, self.dtype), self.name))


@lru_cache(maxsize=1 << 15)
def _counts(space: Space, arch: Architecture, domain: Domain, dtype: str) -> Counts:
    return count_architecture(space, arch, domain.input_shape, domain.num_classes, dtype, **dict(domain.skeleton))
