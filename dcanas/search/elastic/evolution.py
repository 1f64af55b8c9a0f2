"""Ageing evolution within a budget (Real et al., AAAI 2019): the oldest leaves, only feasible members are evaluated.

The sequence is a function of the seed and of the evaluations: an interrupted search is repeated from the start with the
stored evaluations in place of new ones, and comes to the same result.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping, Sequence
from typing import Any

import numpy as np

from dcanas.basics.errors import Stopped
from dcanas.basics.hooks import QUIET, Hooks
from dcanas.basics.keys import derive_seed
from dcanas.costs import Budget, CostModel
from dcanas.search.elastic.elastic_settings import ElasticSettings
from dcanas.search.feasible import FeasibleMembers
from dcanas.search.proposers.evolution import Evolution
from dcanas.search.proposers.new_members import ExhaustedError, NewMembers
from dcanas.search.proposers.proposer import Scored
from dcanas.spaces import Architecture, Space

Evaluation = dict[str, Any]  # validation_accuracy, validation_loss


def evolve(space: Space, limited: Sequence[CostModel], budget: Budget, evaluate: Callable[[Architecture], Evaluation],
           settings: ElasticSettings, seed: int, *, stored: MutableMapping[str, Evaluation] | None = None,
           hooks: Hooks = QUIET, by_loss: bool = False) -> list[Scored]:
    """Return distinct members within the budget in order of birth, with their accuracies and, negative, losses.

    Args:
        limited: the cost model of every limit.
        settings: `evaluations` members are evaluated, fewer if the budget leaves fewer; `population` and `tournament`
            are those of `dcanas.search.proposers.evolution`.
        stored: evaluations by notation (see `Ledger`), none of which is repeated.
        hooks: receive the number of members evaluated; asked before each new one whether to stop.
        by_loss: whether the loss decides and the accuracy breaks ties; else the other way round.

    Raises:
        BudgetError: no member is found within the budget.
        Stopped: the hooks asked to stop.
    """
    stored = {} if stored is None else stored
    members, proposer = FeasibleMembers(space, budget, limited, seed), Evolution(settings)
    born: list[Scored] = []
    while len(born) < settings.evaluations:
        rng = np.random.default_rng(derive_seed(seed, "evolution", len(born)))
        new = NewMembers(members, [each.architecture for each in born])
        try:
            arch = proposer.propose(new, born, rng).architecture
        except ExhaustedError:
            break
        text = space.format(arch)
        if text not in stored:
            if hooks.should_stop():
                raise Stopped(f"stopped after {len(born)} of {settings.evaluations} members")
            stored[text] = evaluate(arch)
        scores = (stored[text]["validation_accuracy"], -stored[text]["validation_loss"])
        born.append(Scored(arch, scores[::-1] if by_loss else scores))
        hooks.progress(len(born), settings.evaluations, "members evaluated")
    return born
