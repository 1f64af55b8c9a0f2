"""Zero-shot search: always within the budget, the same for a seed, and it finds what the scores point at."""

from __future__ import annotations

import math

import numpy as np
import pytest
from chain_space import Chain

from dcanas.basics.errors import BudgetError, UserError
from dcanas.costs import Budget, count_costs, linear_counts
from dcanas.proxies.rank_aggregation import copeland
from dcanas.proxies.table import Scoring, score_architecture, values_of
from dcanas.search.feasible import FeasibleMembers
from dcanas.search.zero_shot.loop import zero_shot
from dcanas.search.zero_shot.zero_shot_settings import ZeroShotSettings
from dcanas.spaces import load_space

SPACE = load_space("nasbench201")
COSTS = list(linear_counts(SPACE).values())
BUDGET = Budget(params=400_000, macs=4.2e7)
VOTERS = ("synflow", "jacov", "wrcor")
SMALL = {"random": {}, "evolution": {"population": 20, "tournament": 5}, "reinforce": {}}
WORTH = np.array([0, 1, 3, 5, 2])  # of none, skip, 1x1, 3x3, pool: an invented truth


def truth(arch):
    """Two voters that agree on the truth and one that is noise."""
    value = float(WORTH[list(arch.choices)].sum() + 0.1 * arch.choices[5])
    return {"synflow": value, "jacov": value, "wrcor": float(hash(arch.choices) % 1000)}


def best_within():
    members = [a for a in SPACE.members() if all(BUDGET.allows(c.name, c.value(a)) for c in COSTS if c.name in BUDGET)]
    return max(truth(a)["synflow"] for a in members), len(members)


@pytest.mark.parametrize("strategy", ["random", "evolution", "reinforce"])
def test_every_network_looked_at_is_within_the_budget(strategy):
    settings = ZeroShotSettings(VOTERS, "copeland", strategy, evaluations=150, **SMALL[strategy])
    seen = []

    def score(arch):
        seen.append(arch)
        return truth(arch)

    found = zero_shot(SPACE, BUDGET, score, COSTS, settings, seed=3)
    assert len(seen) == len(set(seen)) == 150
    assert list(found.evaluated) == seen
    for arch in seen:
        assert SPACE.is_member(arch)
        assert all(cost.value(arch) <= BUDGET[cost.name] for cost in COSTS if cost.name in BUDGET)
    table = np.array([[scores[name] for scores in found.scores] for name in settings.names])
    assert found.architecture == seen[int(np.argmax(copeland(table)))]
    again = zero_shot(SPACE, BUDGET, truth, COSTS, settings, seed=3)
    assert again.evaluated == found.evaluated
    assert zero_shot(SPACE, BUDGET, truth, COSTS, settings, seed=4).evaluated != found.evaluated


@pytest.mark.slow
@pytest.mark.thorough
def test_evolution_finds_the_best_where_random_draws_do_not_look():
    best, count = best_within()
    assert count > 1000
    reached = {}
    for strategy in ("random", "evolution"):
        settings = ZeroShotSettings(("synflow", "jacov"), "borda", strategy, 200, **SMALL[strategy])
        reached[strategy] = [truth(zero_shot(SPACE, BUDGET, truth, COSTS, settings, seed).architecture)["synflow"]
                             for seed in range(4)]
    assert np.mean(reached["evolution"]) > best - 0.2
    assert np.mean(reached["evolution"]) > np.mean(reached["random"])


@pytest.mark.slow
@pytest.mark.thorough
def test_reinforce_learns_what_pays():
    """A fast learning rate for the test: proposals of the last hundred are worth more than the random first."""
    settings = ZeroShotSettings(("synflow",), "borda", "reinforce", 500, learning_rate=0.05)
    found = zero_shot(SPACE, Budget(params=1.5e6), truth, COSTS, settings)
    values = np.array([scores["synflow"] for scores in found.scores])
    assert values[-100:].mean() > values[:100].mean() + 2


def test_a_small_feasible_set_ends_the_search():
    budget = Budget(params=74_000)
    members = FeasibleMembers(SPACE, budget, COSTS)
    found = zero_shot(SPACE, budget, truth, COSTS, ZeroShotSettings(VOTERS, strategy="random", evaluations=500))
    assert 0 < members.count() < 500
    assert len(found.evaluated) == members.count()


def test_a_tight_budget_in_a_space_too_large_to_list():
    """A chain of nine layers at most one of which fits: draws hardly ever keep that, the programme always does."""
    space = Chain(layers=24)
    costs = count_costs(space)
    one = min(costs[0].value(space.architecture([0] * i + [1] + [0] * (23 - i))) for i in range(24))
    budget = Budget(params=one)
    members = FeasibleMembers(space, budget, costs)
    rng = np.random.default_rng(0)
    drawn = {members.sample(rng) for _ in range(10)}
    assert all(members.allows(arch) and sum(c > 0 for c in arch.choices) == 1 for arch in drawn)
    assert len(drawn) > 3


def test_scores_that_do_not_exist_do_not_win():
    def score(arch):
        return {"synflow": math.nan if arch.choices[0] == 3 else truth(arch)["synflow"]}

    for strategy in ("evolution", "reinforce"):
        settings = ZeroShotSettings(("synflow",), "borda", strategy, 150, **SMALL[strategy])
        assert zero_shot(SPACE, BUDGET, score, COSTS, settings).architecture.choices[0] != 3


def test_real_networks_are_scored():
    rng = np.random.default_rng(0)
    scoring = Scoring("nasbench201", ("synflow", "jacov"), rng.normal(size=(4, 3, 8, 8)).astype(np.float32),
                      np.arange(4), skeleton={"channels": 4, "cells": 1})
    costs = list(linear_counts(SPACE, (3, 8, 8), channels=4, cells=1).values())
    budget = Budget(params=8_000)
    settings = ZeroShotSettings(("synflow", "jacov"), "borda", "evolution", 8, 4, 2)
    found = zero_shot(SPACE, budget, lambda arch: values_of(score_architecture(scoring, SPACE, arch)), costs, settings)
    assert len(found.evaluated) == 8
    assert costs[0].value(found.architecture) <= 8_000
    assert all(np.isfinite(scores["synflow"]) for scores in found.scores)


def test_what_cannot_be_searched_is_told():
    with pytest.raises(BudgetError, match="params"):
        zero_shot(SPACE, Budget(params=1000), truth, COSTS)
    with pytest.raises(UserError, match="Unknown proxy 'synflo'"):
        zero_shot(SPACE, BUDGET, truth, COSTS, ZeroShotSettings(("synflo",)))
    with pytest.raises(UserError, match=r"search\.strategy must be one of .*, got 'evolve'; did you mean 'evolution'"):
        zero_shot(SPACE, BUDGET, truth, COSTS, ZeroShotSettings(strategy="evolve"))
    with pytest.raises(UserError, match="so it must be at most 5, got 6"):
        zero_shot(SPACE, BUDGET, truth, COSTS, ZeroShotSettings(evaluations=10, population=5, tournament=6))
    with pytest.raises(UserError, match=r"search\.batch_size must be at least 2 for jacov, got 1"):
        ZeroShotSettings(("synflow", "jacov"), batch_size=1)
    with pytest.raises(UserError, match=r"search\.aggregate must be one of .* did you mean 'borda'"):
        ZeroShotSettings(aggregate="bordo")


@pytest.mark.parametrize(("strategy", "certain"), [("random", 40), ("evolution", 10), ("reinforce", 3)])
def test_what_is_certain_to_be_scored_is_prepared(strategy, certain):
    """With three to start from: all random draws, the first ten proposals of evolution, none of a policy."""
    own = {"population": 10, "tournament": 3} if strategy == "evolution" else {}
    settings = ZeroShotSettings(("synflow",), strategy=strategy, evaluations=40, **own)
    start = [SPACE.sample(np.random.default_rng(seed)) for seed in (11, 12, 13)]
    prepared = []
    found = zero_shot(SPACE, Budget(), truth, COSTS, settings, seed=3, start=start,
                      prepare=lambda archs, hooks, total: prepared.append((archs, total)))
    assert prepared == [(list(found.evaluated[:certain]), 40)]
