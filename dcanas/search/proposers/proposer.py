"""What a proposer is given and what it returns; a new one is one small class."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from numpy.random import Generator

from dcanas.spaces import Architecture, Space


class Members(Protocol):
    """The architectures that may be proposed."""

    space: Space

    def allows(self, arch: Architecture) -> bool:
        """Return whether an architecture may be proposed."""

    def sample(self, rng: Generator) -> Architecture:
        """Return a random one."""


@dataclass(frozen=True)
class Scored:
    """An architecture and what was observed of it: one number or several, larger is better, NaN if there is none."""

    architecture: Architecture
    scores: tuple[float, ...]


@dataclass(frozen=True)
class Proposal:
    """An architecture and why it was chosen, as JSON types."""

    architecture: Architecture
    why: dict[str, Any] = field(default_factory=dict)


Best = Callable[[Sequence[Scored]], Scored]


def best_in_order(scored: Sequence[Scored]) -> Scored:
    """Return the one with the largest first score; if several have it, of these the one with the largest second."""
    return max(scored, key=lambda each: each.scores)


def at_random(members: Members, rng: Generator, **why: Any) -> Proposal:
    """Return a random member."""
    return Proposal(members.sample(rng), {"chosen_by": "random", **why})


class Proposer(ABC):
    """Proposes the next architecture; keeps nothing that it could not compute again from what was observed.

    Args:
        settings: of the search, with the fields that the proposer reads.
        best: returns the best of several, for proposers that compare.
    """

    def __init__(self, settings: Any, best: Best = best_in_order):
        self.settings, self.best = settings, best

    @abstractmethod
    def propose(self, members: Members, observed: Sequence[Scored], rng: Generator) -> Proposal:
        """Return what to look at next.

        Args:
            members: what may be proposed.
            observed: everything so far, in order; the same and more from call to call.
            rng: for all draws.
        """
