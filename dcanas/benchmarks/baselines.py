"""The baselines of the benchmark: simple rules and strategies, each a function of a problem and a random generator.

A baseline returns the index of a member. A new one is a few lines in a file of one's own (docs/search.md).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.random import Generator

from dcanas.basics.registry import Registry
from dcanas.benchmarks.judged_data import PROXIES
from dcanas.benchmarks.table_problem import Problem
from dcanas.proxies.aggregates import AGGREGATES
from dcanas.proxies.prior import log_odds
from dcanas.search.elastic.elastic_settings import ElasticSettings
from dcanas.search.elastic.evolution import evolve
from dcanas.search.gradient.constraints import Dual
from dcanas.search.pool import total_scores
from dcanas.search.zero_shot.zero_shot_settings import ZeroShotSettings

Baseline = Callable[[Problem, Generator], int]  # returns the index of a member
baselines: Registry[Baseline] = Registry("baseline")

TRAININGS = 8  # of baselines that train their last few candidates
EVOLUTION = 100  # trainings of evolution
DRAWN = 100  # networks of the random pool
CANDIDATES = 200  # members that scores which cost seconds can be asked about
FIRST = 16  # of a vote, among which the prior chooses
TRAINED = ("rank_sum_trained", "random_trained", "prior_trained", "evolution", "whole_table")  # read trainings' results
STEPS, RATE = 400, 0.1  # of the ascent on the whole table


def best_of(problem: Problem, values: np.ndarray, rng: Generator, among: np.ndarray | None = None) -> int:
    """Return the feasible member with the largest value; ties by chance, NaN last.

    Args:
        values: of all members. Shape: (members,).
        among: indices of members; None: all feasible ones. Shape: (n,).
    """
    pool = np.flatnonzero(problem.feasible) if among is None else among
    known = np.where(np.isnan(values[pool]), -np.inf, values[pool])
    return int(rng.choice(pool[known == known.max()]))


def votes(problem: Problem, among: np.ndarray, names: tuple[str, ...] = ("synflow", "jacov"),
           aggregate: str = "borda") -> np.ndarray:
    """Return the vote of training-free scores on some members, larger is better, NaN for the others.

    Shape: among (n,) indices of members -> (members,).
    """
    found = np.full(len(problem.choices), np.nan)
    found[among] = AGGREGATES[aggregate](np.array([problem.scores[name][among] for name in names]))
    return found


def default_vote(problem: Problem, among: np.ndarray) -> np.ndarray:
    """Return the default vote of zero-shot search on some members, see `votes`."""
    settings = ZeroShotSettings()
    return votes(problem, among, settings.names, settings.aggregate)


def _trained(problem: Problem, order: np.ndarray) -> int:
    """Return the best of the first few by a full training each."""
    return int(max(order[:TRAININGS], key=lambda member: problem.train(int(member))))


@baselines.add
def random(problem: Problem, rng: Generator) -> int:
    """One feasible member at random."""
    return int(rng.choice(np.flatnonzero(problem.feasible)))


@baselines.add
def largest_params(problem: Problem, rng: Generator) -> int:
    """The most parameters within the limits."""
    return best_of(problem, problem.sizes["params"], rng)


@baselines.add
def largest_macs(problem: Problem, rng: Generator) -> int:
    """The most multiply-accumulates within the limits."""
    return best_of(problem, problem.sizes["macs"], rng)


def _best_by(proxy: str) -> None:
    def rule(problem: Problem, rng: Generator) -> int:
        return best_of(problem, problem.scores[proxy], rng)

    rule.__name__, rule.__doc__ = f"best_{proxy}", f"The best {proxy} score within the limits."
    baselines.add(rule)


for _proxy in PROXIES:
    _best_by(_proxy)


@baselines.add
def rank_sum(problem: Problem, rng: Generator) -> int:
    """The best rank sum of synflow and jacov within the limits."""
    pool = np.flatnonzero(problem.feasible)
    return best_of(problem, votes(problem, pool), rng, pool)


@baselines.add
def rank_sum_trained(problem: Problem, rng: Generator) -> int:
    """The eight best by that rank sum, each trained once in full; the best validation accuracy."""
    pool = np.flatnonzero(problem.feasible)
    return _trained(problem, pool[np.argsort(-votes(problem, pool)[pool], kind="stable")])


@baselines.add
def zero_shot_vote(problem: Problem, rng: Generator) -> int:
    """The best within the limits by the default vote of zero-shot search."""
    pool = np.flatnonzero(problem.feasible)
    return best_of(problem, default_vote(problem, pool), rng, pool)


@baselines.add
def prior(problem: Problem, rng: Generator) -> int:
    """The best within the limits by the prior: accuracies on other data sets, never those of a member or its equals."""
    return best_of(problem, problem.prior(rng), rng)


@baselines.add
def prior_of_200(problem: Problem, rng: Generator) -> int:
    """The best by the prior among 200 feasible members at random."""
    drawn = rng.permutation(np.flatnonzero(problem.feasible))[:CANDIDATES]
    return best_of(problem, problem.prior(rng), rng, drawn)


@baselines.add
def prior_beside_vote(problem: Problem, rng: Generator) -> int:
    """The best rank sum of the prior and the default vote of zero-shot search within the limits."""
    pool = np.flatnonzero(problem.feasible)
    both = np.array([problem.prior(rng)[pool], default_vote(problem, pool)[pool]])
    return int(pool[int(np.argmax(AGGREGATES["borda"](both)))])


@baselines.add
def prior_of_vote(problem: Problem, rng: Generator) -> int:
    """The best by the prior among the first sixteen of the default vote of zero-shot search."""
    pool = np.flatnonzero(problem.feasible)
    first = pool[np.argsort(-default_vote(problem, pool)[pool], kind="stable")[:FIRST]]
    return best_of(problem, problem.prior(rng), rng, first)


@baselines.add
def prior_trained(problem: Problem, rng: Generator) -> int:
    """The eight best by the prior, each trained once in full; the best validation accuracy."""
    pool = np.flatnonzero(problem.feasible)
    return _trained(problem, pool[np.argsort(-problem.prior(rng)[pool], kind="stable")])


@baselines.add
def look_up(problem: Problem, rng: Generator) -> int:
    """The best within the limits by the mean log odds of its rank in the tables of other data sets."""
    known = [np.where(np.isnan(values), np.nan, 0.0) for values in problem.others.values()]
    for odds, values in zip(known, problem.others.values(), strict=True):
        odds[~np.isnan(values)] = log_odds(values[~np.isnan(values)])
    return best_of(problem, np.mean(known, axis=0), rng)


@baselines.add
def random_rerank(problem: Problem, rng: Generator) -> int:
    """A hundred feasible members at random, the best by that rank sum."""
    pool = np.flatnonzero(problem.feasible)
    drawn = rng.permutation(pool)[:DRAWN]
    return best_of(problem, votes(problem, drawn), rng, drawn)


@baselines.add
def random_trained(problem: Problem, rng: Generator) -> int:
    """Eight feasible members at random, each trained once in full; the best validation accuracy."""
    return _trained(problem, rng.permutation(np.flatnonzero(problem.feasible)))


@baselines.add
def evolution(problem: Problem, rng: Generator) -> int:
    """Ageing evolution with a hundred full trainings; the best validation accuracy."""
    settings = ElasticSettings(evaluations=EVOLUTION, population=20, tournament=5)
    born = evolve(problem.space, problem.costs, problem.budget,
                  lambda arch: {"validation_accuracy": problem.train(problem.index[arch.choices]),
                                "validation_loss": 0.0}, settings, int(rng.integers(2**32)))
    return problem.index[max(born, key=lambda each: each.scores).architecture.choices]


@baselines.add
def whole_table(problem: Problem, rng: Generator) -> int:
    """Alphas by dual ascent on the expected accuracy of the whole table: what constrained relaxation alone loses."""
    limits = Dual(problem.costs, problem.budget, RATE)
    alphas = [torch.tensor(1e-3 * rng.normal(size=len(s.options)), requires_grad=True) for s in problem.space.slots]
    optimiser = torch.optim.Adam(alphas, lr=RATE, betas=(0.5, 0.999))
    for _ in range(STEPS):
        probabilities = [alpha.softmax(0) for alpha in alphas]
        violations = limits.violations(probabilities)
        limits.ascend(violations)
        loss = -problem.expected_accuracy(probabilities) / 10 + limits.penalty(violations)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    scores = [alpha.detach().log_softmax(0).numpy() for alpha in alphas]
    return best_of(problem, total_scores(scores, problem.choices), rng)
