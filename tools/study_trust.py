"""The check of trust over NAS-Bench-201's tables: how often it fires, and what short training of the first few loses.

    python -m tools study_trust

A short training is simulated as the rank of the published test accuracy with noise, so that over all members it has a
given Kendall's tau with it. Within nine latency limits on CIFAR-10 and CIFAR-100 the prior (fitted to the other data
set, never to equals of the members that it judges) and the default vote of `search=zero_shot` choose eight different
networks, as they are and reversed; three random members are trained beside them. The regret is that of the judge
alone, of training alone among the eight, and of both by the sum of their ranks with the check.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.stats import norm, rankdata

from dcanas.benchmarks.baselines import default_vote
from dcanas.benchmarks.judged_data import PUBLISHED, judged_data
from dcanas.benchmarks.prior_folds import equal_members
from dcanas.benchmarks.table_problem import Problem, make_problem
from dcanas.search.trust import RANDOM, trust
from dcanas.search.zero_shot.zero_shot_settings import ZeroShotSettings
from tools.markdown import print_table

LIMITS = tuple(f"{device}.latency_ms:p{percent}" for device in ("edgegpu", "raspi4", "eyeriss")
               for percent in (50, 25, 10))
FIRST = ZeroShotSettings().tried


def standing(accuracies: np.ndarray) -> np.ndarray:
    """Return the normal score of every member's rank, NaN if it has no accuracy. Shape: (members,)."""
    found, there = np.full(len(accuracies), np.nan), ~np.isnan(accuracies)
    found[there] = norm.ppf((rankdata(accuracies[there]) - 0.5) / there.sum())
    return found


def first_different(order: np.ndarray) -> np.ndarray:
    """Return the first few members of an order, no two of which are equal networks. Shape: (n,) -> (8,)."""
    _, first = np.unique(equal_members()[order], return_index=True)
    return np.asarray(order[np.sort(first)[:FIRST]])


def simulated(problem: Problem, judge: np.ndarray, tau: float, rng: np.random.Generator) -> tuple[bool, ...]:
    """Return whether the check fires, and the regret of the judge, of training and of both with the check.

    Args:
        judge: of all members, larger is better. Shape: (members,).
        tau: of the short training with the accuracy, over all members.
    """
    among, test = np.flatnonzero(problem.feasible), problem.data.test
    chosen = first_different(among[np.argsort(-judge[among], kind="stable")])
    drawn = rng.choice(among, RANDOM, replace=False)
    noise = np.sqrt(1 / np.sin(np.pi * tau / 2) ** 2 - 1)  # of normal scores: tau = 2 / pi arcsin(correlation)
    read = standing(test)[np.concatenate([chosen, drawn])] + noise * rng.normal(size=len(chosen) + RANDOM)
    found = trust(*([{"validation_accuracy": value} for value in values]
                    for values in (read[:len(chosen)], read[len(chosen):])))
    trained = rankdata(-read[:len(chosen)])
    both = chosen[np.argmin(trained + np.arange(len(chosen)))] if found["trusted"] else \
        np.concatenate([chosen, drawn])[read.argmax()]
    best = test[among].max()
    return (not found["trusted"], best - test[chosen[0]], best - test[chosen[trained.argmin()]], best - test[both])


def main(*, seeds: int = 10, taus: tuple[float, ...] = (0.3, 0.4, 0.5, 0.6, 0.7)) -> None:
    """Print the table.

    Args:
        seeds: divisions into folds of the prior, each with random members and noise of its own
        taus: of the short training with the accuracy
    """
    def rows() -> Iterator[list[object]]:
        for data in map(judged_data, PUBLISHED):
            problems = [make_problem(limits, data) for limits in LIMITS]
            for name in ("prior", "vote"):
                for tau in taus:
                    found = []
                    for sign in (1, -1):
                        rng = np.random.default_rng(0)
                        found.append(np.mean([simulated(problem, sign * (
                            problem.prior(rng) if name == "prior" else default_vote(problem, np.flatnonzero(
                                problem.feasible))), tau, rng) for problem in problems for _ in range(seeds)], axis=0))
                    right, wrong = found
                    yield [data.name, name, f"{tau:g}", f"{100 * right[0]:.0f} %", f"{100 * wrong[0]:.0f} %",
                           *(f"{value:.2f}" for value in right[1:]), f"{wrong[1]:.1f}", f"{wrong[3]:.1f}"]

    print_table(["data", "judge", "tau of the short training", "fires", "fires, judge reversed", "regret: judge alone",
                 "training alone", "both, with the check", "reversed: alone", "reversed: with the check"], rows())
