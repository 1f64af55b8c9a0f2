"""Members that were not proposed before, for searches that look at no architecture twice."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator

from numpy.random import Generator

from dcanas.basics.errors import UserError
from dcanas.costs.members import as_architecture
from dcanas.search.feasible import FeasibleMembers
from dcanas.spaces import Architecture

DRAWS = 60  # random members or mutations that were all proposed before, until the rest is looked through
Identity = Callable[[Architecture], Hashable]  # equal for architectures of which one evaluation tells everything


class ExhaustedError(UserError):
    """Nothing is left to propose."""


class NewMembers:
    """The members within a budget without those that were proposed, or the same under another code.

    Args:
        members: all members within the budget.
        proposed: what was proposed so far.
        identity: equal for two architectures of which one stands for both.
    """

    def __init__(self, members: FeasibleMembers, proposed: Iterable[Architecture],
                 identity: Identity = lambda arch: arch):
        self.members, self.space, self.identity = members, members.space, identity
        self.proposed = list(proposed)
        self.seen = {identity(arch) for arch in self.proposed}

    def is_new(self, arch: Architecture) -> bool:
        """Return whether neither an architecture nor the same under another code was proposed."""
        return self.identity(arch) not in self.seen

    def allows(self, arch: Architecture) -> bool:
        """Return whether an architecture is new and within the budget."""
        return self.is_new(arch) and self.members.allows(arch)

    def sample(self, rng: Generator) -> Architecture:
        """Return a random new member; raises `ExhaustedError` if there is none, or hardly any in a large space."""
        for _ in range(DRAWS):
            arch = self.members.sample(rng)
            if self.is_new(arch):
                return arch
        found = next((arch for arch in self._rest() if self.allows(arch)), None)
        if found is None:
            raise self.exhausted()
        return found

    def mutate(self, arch: Architecture, rng: Generator) -> Architecture | None:
        """Return a random neighbour that is new and within the budget, or None if none turned up."""
        return next((child for child in (self.space.mutate(arch, rng) for _ in range(DRAWS)) if self.allows(child)),
                    None)

    def exhausted(self) -> ExhaustedError:
        """Return the error for when nothing is left."""
        return ExhaustedError(f"Every member within the budget has been proposed after {len(self.proposed)} trials; "
                              "nothing is left to ask for: loosen the limits or set search.evaluations lower.")

    def _rest(self) -> Iterator[Architecture]:
        """Return all members of a space that can be listed, else the neighbours of what was proposed."""
        if self.members.count() is not None:
            return (as_architecture(self.space, row) for row in self.members.listed())
        return (near for arch in self.proposed for near in self.space.neighbours(arch))
