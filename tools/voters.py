"""How a vote of training-free scores orders members of NAS-Bench-201 within limits: shared by studies of choosing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dcanas.basics.files import read_json
from dcanas.benchmarks.table_problem import Problem, make_problem
from dcanas.costs import CostModel, linear_counts
from dcanas.proxies.rank_aggregation import AGGREGATES
from dcanas.search.pool import make_pool, sizes_of
from dcanas.search.rerank import AGAIN
from dcanas.spaces import Architecture, Space
from tools.score_files import of_members
from tools.tables import NO_LIMIT, validation_accuracies

PAIRS = ("edgegpu.latency_ms:p50+raspi4.latency_ms:p50", "raspi4.latency_ms:p25+eyeriss.latency_ms:p25")
VOTE, SECOND = ("jacov", "synflow", "meco"), ("zen", "meco")  # what votes by default in this space
POOL = 100  # candidates that alphas propose


def network_sizes(space: Space) -> list[CostModel]:
    """Return parameters and MACs of the benchmark's networks."""
    return sizes_of(list(linear_counts(space, (3, 32, 32), 10, channels=16, cells=5).values()))


class Voters:
    """Published scores, those of `own` (a file of all classes) in their place, and two votes of them by log-rank.

    Attributes:
        validation: accuracy of one published training, `cifar10_val`. Shape: (members,).
        classes: the network that each member is equal to.
    """

    def __init__(self, own: Path | None, names: Sequence[str], second: Sequence[str]):
        problem = make_problem(NO_LIMIT)
        scores = problem.scores | (of_members(own) if own else {})
        self.validation = validation_accuracies()
        self.classes = [problem.space.canonical(problem.architecture(i)) for i in range(len(problem.choices))]
        self._tables = {by: np.array([scores[name] for name in voting])
                        for by, voting in (("vote", names), ("second", second))}
        self._sizes = list(problem.sizes.values())

    def distinct(self, among: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Return members of different classes, the largest value first; of equal networks the first stands for all."""
        first: dict[Architecture, int] = {}
        for i in among[np.argsort(-values, kind="stable")].tolist():
            first.setdefault(self.classes[i], i)
        return np.array(list(first.values()))

    def ordered(self, among: np.ndarray, by: str = "vote") -> np.ndarray:
        """Return different members of `among`, the best by the first (or the second) vote first."""
        return self.distinct(among, AGGREGATES["log_rank"](self._tables[by][:, among]))

    def again(self, order: np.ndarray, count: int = AGAIN) -> np.ndarray:
        """Return members with the first `count` and the largest ordered by the second vote: what
        `search.rerank_again` does."""
        chosen = list(dict.fromkeys([*order[:count], *(order[np.argmax(size[order])] for size in self._sizes)]))
        return np.concatenate([self.ordered(np.array(chosen), "second"), order[~np.isin(order, chosen)]])

    def reranked(self, problem: Problem, run: list[np.ndarray], seed: int, count: int) -> np.ndarray:
        """Return what `search.rerank` orders: the pool that stored alphas propose and random members, `count` in all,
        the best by vote first."""
        feasible = np.flatnonzero(problem.feasible)
        pool = make_pool(problem.space, run, problem.choices[feasible], POOL, seed, network_sizes(problem.space))
        proposed = [problem.index[each.architecture.choices] for each in pool]
        drawn = np.random.default_rng(seed).permutation(feasible)[:count - len(proposed)]
        return self.ordered(np.unique(np.concatenate([proposed, drawn])))


def stored_scores(run: Path) -> list[np.ndarray]:
    """Return what a finished `dcanas search` thinks of each option of each slot."""
    return [np.array(row) for row in read_json(run / "search" / "scores.json")["scores"]]
