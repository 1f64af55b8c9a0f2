"""The interface of proposers; a new proposer is one small class."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from numpy.random import Generator

from dcanas.search.feasible import FeasibleMembers
from dcanas.search.proposers.new_members import NewMembers
from dcanas.spaces import Architecture


@dataclass(frozen=True)
class Scored:
    """An architecture and its observed scores: one number or several, larger is better, NaN if there is none."""

    architecture: Architecture
    scores: tuple[float, ...]


@dataclass(frozen=True)
class Proposal:
    """An architecture and why it was chosen, as JSON types."""

    architecture: Architecture
    why: dict[str, Any] = field(default_factory=dict)


Members = FeasibleMembers | NewMembers  # the architectures that may be proposed
Best = Callable[[Sequence[Scored]], Scored]


def best_in_order(scored: Sequence[Scored]) -> Scored:
    """Return the one with the largest first score; if several have it, of these the one with the largest second."""
    return max(scored, key=lambda each: each.scores)


def at_random(members: Members, rng: Generator, **why: Any) -> Proposal:
    """Return a random member."""
    return Proposal(members.sample(rng), {"chosen_by": "random", **why})


class Proposer(ABC):
    """Proposes the next architecture; keeps no state that it could not compute again from the observations.

    Args:
        settings: of the search, with the fields that the proposer reads.
        best: returns the best of several, for proposers that compare.
    """

    def __init__(self, settings: Any, best: Best = best_in_order):
        self.settings, self.best = settings, best

    @property
    def random_first(self) -> float:
        """Number of first proposals that are drawn at random, whatever is observed."""
        return 0

    @abstractmethod
    def propose(self, members: Members, observed: Sequence[Scored], rng: Generator) -> Proposal:
        """Return the architecture to evaluate next.

        Args:
            members: what may be proposed.
            observed: all observations so far, in order; every call gets those of the last one and more.
            rng: for all draws.
        """
