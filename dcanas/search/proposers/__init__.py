"""Proposers of the next architecture, shared by all searches that evaluate one architecture at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dcanas.basics.errors import UserError
from dcanas.basics.registry import Registry

if TYPE_CHECKING:
    from dcanas.search.proposers.proposer import Proposer

proposers: Registry[type[Proposer]] = Registry("proposer", {
    "random": ("dcanas.search.proposers.random:Random", "Random members."),
    "evolution": ("dcanas.search.proposers.evolution:Evolution",
                  "Ageing evolution: the best of a tournament among the youngest is mutated (Real et al., AAAI 2019)."),
    "reinforce": ("dcanas.search.proposers.reinforce:Reinforce",
                  "REINFORCE on categorical choices, independent but for groups (Jing et al., arXiv 2507.08841)."),
})


def check_tournament(settings: Any) -> None:
    """Raise `UserError` if evolution's tournament is larger than the population that it draws from."""
    if settings.tournament > settings.population:
        raise UserError(f"search.tournament draws from search.population members, so it must be at most "
                        f"{settings.population}, got {settings.tournament}.")
