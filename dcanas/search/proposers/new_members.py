"""Members that were not proposed before, for searches that evaluate no architecture twice."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from functools import cached_property

from numpy.random import Generator

from dcanas.basics.errors import UserError
from dcanas.costs.members import as_architecture
from dcanas.search.feasible import FeasibleMembers
from dcanas.spaces import Architecture

DRAWS = 20  # random members that were all proposed before, until a neighbour of those is taken
Identity = Callable[[Architecture], Hashable]  # equal for architectures with the same evaluation


class ExhaustedError(UserError):
    """Nothing is left to propose."""


class NewMembers:
    """The members within a budget without those that were proposed, or the same under another code.

    Args:
        members: all members within the budget.
        proposed: what was proposed so far.
        identity: equal for architectures that count as the same.
        identities: of `members.listed()`, if they are known; draws are then made among the new rows.
    """

    def __init__(self, members: FeasibleMembers, proposed: Iterable[Architecture],
                 identity: Identity = lambda arch: arch, identities: Sequence[Hashable] | None = None):
        self.members, self.space, self.identity, self.identities = members, members.space, identity, identities
        self.proposed = list(proposed)
        self.seen = {identity(arch) for arch in self.proposed}

    @cached_property
    def rows(self) -> list[int]:
        """The rows of `members.listed()` that are new; raises `ExhaustedError` if there is none."""
        found = [row for row, identity in enumerate(self.identities or ()) if identity not in self.seen]
        if not found:
            raise self._exhausted()
        return found

    def is_new(self, arch: Architecture) -> bool:
        """Return whether neither an architecture nor the same under another code was proposed."""
        return self.identity(arch) not in self.seen

    def allows(self, arch: Architecture) -> bool:
        """Return whether an architecture is new and within the budget."""
        return self.is_new(arch) and self.members.allows(arch)

    def sample(self, rng: Generator) -> Architecture:
        """Return a random new member; raises `ExhaustedError` if there is none, or hardly any in a large space."""
        if self.identities is not None:
            return as_architecture(self.space, self.members.listed()[int(rng.choice(self.rows))])
        for _ in range(DRAWS):
            arch = self.members.sample(rng)
            if self.is_new(arch):
                return arch
        near = next((near for arch in self.proposed for near in self.space.neighbours(arch) if self.allows(near)), None)
        if near is None:
            raise self._exhausted()
        return near

    def _exhausted(self) -> ExhaustedError:
        return ExhaustedError(f"Every member within the budget has been proposed after {len(self.proposed)} trials; "
                              "nothing is left to ask for: loosen the limits or set search.evaluations lower.")
