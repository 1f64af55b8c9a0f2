"""The history of a study: finished trials in order, and those that other workers are running."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from dcanas.search.proposers.proposer import Scored
from dcanas.spaces import Architecture


@dataclass(frozen=True)
class Observation:
    """A finished trial.

    Attributes:
        value: larger is better; None if it failed.
        feasible: whether it kept all limits.
    """

    architecture: Architecture
    value: float | None
    feasible: bool = True


@dataclass(frozen=True)
class History:
    """The trials of a study.

    Attributes:
        observations: finished trials, in the order in which they were proposed.
        pending: architectures that other workers are running.
    """

    observations: Sequence[Observation] = ()
    pending: Sequence[Architecture] = ()

    @cached_property
    def succeeded(self) -> list[Observation]:
        """Observations with a value."""
        return [o for o in self.observations if o.value is not None]

    def __len__(self) -> int:
        """Number of proposals so far."""
        return len(self.observations) + len(self.pending)

    @property
    def values(self) -> np.ndarray:
        """Values of the trials that succeeded. Shape: (n,)."""
        return np.array([o.value for o in self.succeeded], dtype=float)

    @property
    def choices(self) -> np.ndarray:
        """Option indices of the trials that succeeded. Shape: (n, slots)."""
        return np.array([o.architecture.choices for o in self.succeeded], dtype=np.int64)

    def proposed(self) -> list[Architecture]:
        """Return every architecture that was proposed, including failed and running trials."""
        return [o.architecture for o in self.observations] + list(self.pending)

    def scored(self) -> list[Scored]:
        """Return the values of the trials that succeeded within the limits."""
        return [Scored(o.architecture, (o.value,)) for o in self.succeeded if o.feasible and o.value is not None]

    def best(self, count: int) -> list[Scored]:
        """Return the best of them, best first (ties: the earlier one)."""
        return sorted(self.scored(), key=lambda each: each.scores, reverse=True)[:count]
