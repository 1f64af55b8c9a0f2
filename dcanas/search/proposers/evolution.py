"""Ageing evolution (Real et al., "Regularized Evolution for Image Classifier Architecture Search", AAAI 2019)."""

from __future__ import annotations

from collections.abc import Sequence

from numpy.random import Generator

from dcanas.search.proposers.proposer import Members, Proposal, Proposer, Scored, at_random

TOURNAMENTS = 60  # each with one mutation, so that a winner without new neighbours loses its turn


class Evolution(Proposer):
    """Ageing evolution: the best of a tournament among the youngest is mutated (Real et al., AAAI 2019).

    Settings: population, of which the first are random; tournament, members of it that are compared.
    """

    @property
    def random_first(self) -> float:
        return float(self.settings.population)

    def propose(self, members: Members, observed: Sequence[Scored], rng: Generator) -> Proposal:
        population = self.settings.population
        if len(observed) < population:
            return at_random(members, rng)
        for _ in range(TOURNAMENTS):
            drawn = rng.choice(population, self.settings.tournament, replace=False)
            parent = self.best([observed[len(observed) - population + i] for i in drawn]).architecture
            child = members.space.mutate(parent, rng)
            if members.allows(child):
                return Proposal(child, {"chosen_by": "mutation", "parent": members.space.format(parent)})
        return at_random(members, rng, instead_of="mutation")
