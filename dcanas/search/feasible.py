"""Sampling of members within a budget."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.random import Generator

from dcanas.basics.errors import UserError
from dcanas.costs import Budget, CostModel
from dcanas.costs.feasibility import feasibility, linear_limits, select_costs
from dcanas.costs.greedy_descent import greedy_descent
from dcanas.costs.members import as_architecture, member_choices
from dcanas.costs.milp import best_within
from dcanas.search.pool import keeps, within
from dcanas.spaces import Architecture, Space

DRAWS = 300  # of members, before a tight budget is met by an integer programme instead
FEW_DRAWS = 10  # once that was so
PROGRAMMES = 30


class FeasibleMembers:
    """The members of a space whose upper cost bounds keep every limit of a budget.

    Args:
        costs: cost models, of every limit at least.
        seed: of the search for members in spaces that cannot be listed.

    Raises `BudgetError` if there is none, naming the limit that binds.
    """

    def __init__(self, space: Space, budget: Budget, costs: Sequence[CostModel], seed: int = 0):
        self.space, self.budget = space, budget
        self.limited = select_costs(costs, budget)
        feasibility(space, costs, budget, seed).require()
        self._tight = False  # draws have found none
        self._listed: np.ndarray | None = None
        if space.enumerable:
            choices = member_choices(space)
            self._listed = choices[within(choices, self.limited, budget)]

    def allows(self, arch: Architecture) -> bool:
        """Return whether an architecture is a member within every limit."""
        return self.space.is_member(arch) and keeps(arch, self.limited, self.budget)

    def listed(self) -> np.ndarray:
        """Return all of them, in a space that can be listed. Shape: (members, slots), indices of options."""
        if self._listed is None:
            raise UserError(f"{self.space.name} is too large to be listed.")
        return self._listed

    def count(self) -> int | None:
        """Return how many there are, or None if the space is too large to list them."""
        return None if self._listed is None else len(self._listed)

    def sample(self, rng: Generator) -> Architecture:
        """Return a random member within the budget, uniformly if they are listed.

        In a space too large for that, members are drawn until one is within the budget; if none turns up, an integer
        programme finds the best one under random scores, or, if costs do not add up over slots, greedy descent
        starts from a random member.
        """
        if self._listed is not None:
            return as_architecture(self.space, self._listed[int(rng.integers(len(self._listed)))])
        for _ in range(FEW_DRAWS if self._tight else DRAWS):
            arch = self.space.sample(rng)
            if self.allows(arch):
                return arch
        self._tight = True
        if not self.space.additive:
            down = greedy_descent(self.space, self.limited, self.budget, rng)
            if down is not None and self.allows(down):
                return down
            raise self._none_found()
        limits = linear_limits(self.limited, self.budget)
        for _ in range(PROGRAMMES):
            scores = [list(rng.normal(size=len(slot.options))) for slot in self.space.slots]
            found = best_within(self.space, scores, limits)
            if found is not None and self.allows(found):
                return found
        raise self._none_found()

    def _none_found(self) -> UserError:
        return UserError(f"No member of {self.space.name} within the budget turned up in {DRAWS} draws; loosen the "
                         f"limit on {', '.join(c.name for c in self.limited)}.")
