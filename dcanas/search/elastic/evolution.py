"""Ageing evolution within a budget (Real et al., AAAI 2019): the oldest dies, whoever is asked about is feasible.

The walk is a function of the seed and of what the evaluations said: one that was cut off is walked again from the
start with the stored evaluations in place of new ones, and comes to the same end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dcanas.basics.keys import derive_seed
from dcanas.costs import Budget, CostModel
from dcanas.costs.feasibility import feasibility
from dcanas.costs.greedy_descent import descend, violation
from dcanas.spaces import Architecture, Space

Evaluation = dict[str, Any]  # validation_accuracy, validation_loss
TRIES = 60  # draws or mutations refused in a row before a member is found by going down


@dataclass(frozen=True)
class Evaluated:
    architecture: Architecture
    evaluation: Evaluation

    @property
    def fitness(self) -> tuple[float, float]:
        """Accuracy; of equal ones the lower loss."""
        return self.evaluation["validation_accuracy"], -self.evaluation["validation_loss"]


def evolve(space: Space, limited: Sequence[CostModel], budget: Budget, evaluate: Callable[[Architecture], Evaluation],
           evaluations: int, population: int, tournament: int, seed: int,
           known: dict[str, Evaluation] | None = None,
           on_evaluated: Callable[[str, Evaluation], None] = lambda text, evaluation: None) -> list[Evaluated]:
    """Return `evaluations` distinct members within the budget with what `evaluate` says of them, in order of birth.

    limited: the cost model of every limit. known: evaluations from an earlier start, by notation; on_evaluated: called
    with every new one, so that it can be stored. A budget that leaves fewer members gives those that were found.
    Raises `BudgetError` where none is found within the budget.
    """
    known = {} if known is None else known
    born: dict[Architecture, Evaluated] = {}
    while len(born) < evaluations:
        rng = np.random.default_rng(derive_seed(seed, "evolution", len(born)))
        arch = _next(space, limited, budget, list(born.values())[-population:], born, population, tournament, rng)
        if arch is None:
            break
        text = space.format(arch)
        if text not in known:
            known[text] = evaluate(arch)
            on_evaluated(text, known[text])
        born[arch] = Evaluated(arch, known[text])
    if not born:
        feasibility(space, limited, budget, seed).require()
    return list(born.values())


def _next(space: Space, limited: Sequence[CostModel], budget: Budget, alive: Sequence[Evaluated],
          born: dict[Architecture, Evaluated], population: int, tournament: int,
          rng: np.random.Generator) -> Architecture | None:
    """Return a feasible member that has not been born yet: at random at first, later a child of a tournament's best."""
    for _ in range(TRIES):
        if len(born) < population:
            arch = space.sample(rng)
        else:
            drawn = rng.choice(len(alive), min(tournament, len(alive)), replace=False)
            arch = space.mutate(max((alive[i] for i in drawn), key=lambda e: e.fitness).architecture, rng)
        if arch not in born and violation(arch, limited, budget) == 0:
            return arch
    for _ in range(TRIES // 10):  # a tight budget: go down to it
        found = descend(space, limited, budget, rng)
        if found is None:
            return None if not born else _beside(space, limited, budget, born)
        if found not in born:
            return found
    return _beside(space, limited, budget, born)


def _beside(space: Space, limited: Sequence[CostModel], budget: Budget,
            born: dict[Architecture, Evaluated]) -> Architecture | None:
    """Return the first feasible neighbour of those born that is new, or None: then there are hardly any more."""
    return next((other for arch in born for other in space.neighbours(arch)
                 if other not in born and violation(other, limited, budget) == 0), None)
