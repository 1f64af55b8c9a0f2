"""Search by training-free scores: thousands of networks are scored, none is trained, and aggregated ranks choose.

Every network that is scored is within the budget. A proposer (`dcanas.search.proposers`) chooses them: random,
evolution or reinforce.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass

import numpy as np

from dcanas.basics.errors import Stopped
from dcanas.basics.hooks import QUIET, Hooks
from dcanas.basics.keys import derive_seed
from dcanas.costs import Budget, CostModel
from dcanas.proxies.aggregates import AGGREGATES
from dcanas.proxies.rank_aggregation import oriented
from dcanas.search.feasible import FeasibleMembers
from dcanas.search.proposers import proposers
from dcanas.search.proposers.proposer import Scored, at_random
from dcanas.search.zero_shot.zero_shot_settings import ZeroShotSettings
from dcanas.spaces import Architecture, Space

Scores = Mapping[str, float]
Scorer = Callable[[Architecture], Scores]
Prepare = Callable[[Sequence[Architecture], Hooks, int], None]  # architectures, hooks, number of all that are scored
PATIENCE = 20  # proposals per evaluation before a proposer that repeats itself is stopped


@dataclass(frozen=True)
class ZeroShotResult:
    """The networks scored by a zero-shot search.

    Attributes:
        evaluated: the networks, in the order in which they were scored.
        scores: per network, the value of every proxy.
        ranks: aggregated over the proxies, larger is better. Shape: (networks,).
    """

    evaluated: tuple[Architecture, ...]
    scores: tuple[Scores, ...]
    ranks: np.ndarray

    @property
    def architecture(self) -> Architecture:
        """The best network (ties: the earlier one)."""
        return self.evaluated[int(np.argmax(self.ranks))]


def zero_shot(space: Space, budget: Budget, score: Scorer, costs: Sequence[CostModel],
              settings: ZeroShotSettings | None = None, seed: int = 0, *, hooks: Hooks = QUIET,
              start: Sequence[Architecture] = (), prepare: Prepare | None = None) -> ZeroShotResult:
    """Score members within `budget` by training-free scores and rank them.

    Args:
        score: returns the value of every proxy in `settings.names`, NaN if there is none; called once per network.
        costs: cost models for every limit of the budget.
        hooks: receive the number of networks scored; asked before each whether to stop.
        start: members within the budget that are scored first, and that proposers continue from.
        prepare: is given what will be scored whatever the scores are, before `score` is called.

    Raises:
        BudgetError: no member is within the budget.
        Stopped: the hooks asked to stop.
    """
    settings = settings or ZeroShotSettings()
    members = FeasibleMembers(space, budget, costs, seed)
    rng = np.random.default_rng(derive_seed(seed, "zero_shot", settings.strategy))

    def best(drawn: Sequence[Scored]) -> Scored:
        return drawn[int(np.argmax(AGGREGATES[settings.aggregate](np.array([each.scores for each in drawn]).T)))]

    proposer = proposers[settings.strategy](settings, best)
    known: dict[Architecture, Scores] = {}
    observed: list[Scored] = []
    wanted = min(settings.evaluations, members.count() or settings.evaluations)
    first = deque(start)
    if prepare is not None:
        proposals = min(proposer.random_first, PATIENCE * settings.evaluations)
        prepare(_certain(members, deepcopy(rng), start, wanted, proposals), hooks, wanted)
    for _ in range(PATIENCE * settings.evaluations):
        if len(known) >= wanted:
            break
        arch = first.popleft() if first else proposer.propose(members, observed, rng).architecture
        if arch not in known:
            if hooks.should_stop():
                raise Stopped(f"stopped after {len(known)} of {wanted} networks")
            known[arch] = score(arch)
            hooks.progress(len(known), wanted, "networks scored")
        observed.append(Scored(arch, tuple(float(oriented(name, np.array(known[arch][name], float)))
                                           for name in settings.names)))
    scores = tuple(known.values())
    return ZeroShotResult(tuple(known), scores, aggregated(scores, settings.names, settings.aggregate))


def _certain(members: FeasibleMembers, rng: np.random.Generator, start: Sequence[Architecture], wanted: int,
             proposals: float) -> list[Architecture]:
    """Return the architectures that are scored whatever the scores are, of so many first proposals."""
    found = dict.fromkeys(start[:wanted])
    for _ in range(len(start), int(proposals)):
        if len(found) >= wanted:
            break
        found.setdefault(at_random(members, rng).architecture)
    return list(found)


def aggregated(found: Sequence[Scores], names: Sequence[str], aggregate: str) -> np.ndarray:
    """Return one number per network, larger is better: the ranks by the scores in `names`, aggregated.

    Args:
        found: scores per network.
        names: proxies that are aggregated.
        aggregate: name of the aggregation (`dcanas.proxies.aggregates`).

    Returns:
        (networks,).
    """
    combined: np.ndarray = AGGREGATES[aggregate](np.array([
        oriented(name, np.array([each[name] for each in found], float)) for name in names]))
    return combined
