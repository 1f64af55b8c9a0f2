"""Random search, the baseline of all others."""

from __future__ import annotations

from collections.abc import Sequence

from numpy.random import Generator

from dcanas.search.proposers.proposer import Members, Proposal, Proposer, Scored, at_random


class Random(Proposer):
    """Random members."""

    @property
    def random_first(self) -> float:
        return float("inf")

    def propose(self, members: Members, observed: Sequence[Scored], rng: Generator) -> Proposal:
        return at_random(members, rng)
