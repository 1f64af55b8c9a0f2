"""Proposers against what their papers say, by counting neighbours; new members against the list of all."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from chain_space import Chain

from dcanas.costs import Budget, count_costs, linear_counts
from dcanas.search.feasible import FeasibleMembers
from dcanas.search.proposers.evolution import Evolution
from dcanas.search.proposers.new_members import ExhaustedError, NewMembers
from dcanas.search.proposers.proposer import Scored, best_in_order
from dcanas.spaces import load_space

SPACE = load_space("nasbench201")
COSTS = list(linear_counts(SPACE, (3, 32, 32), 10).values())
MEMBERS = FeasibleMembers(SPACE, Budget(params=400_000), COSTS)


def observed(count):
    rng = np.random.default_rng(0)
    return [Scored(MEMBERS.sample(rng), (float(score),)) for score in rng.permutation(count)]


def test_the_best_of_the_youngest_is_mutated():
    """A tournament of the whole population has one winner; of thirty only the last ten are young enough."""
    known, proposer = observed(30), Evolution(SimpleNamespace(population=10, tournament=10))
    parent = max(known[-10:], key=lambda each: each.scores[0]).architecture
    assert max(known, key=lambda each: each.scores[0]).architecture != parent
    for seed in range(20):
        found = proposer.propose(MEMBERS, known, np.random.default_rng(seed))
        assert found.architecture in SPACE.neighbours(parent)
        assert found.why == {"chosen_by": "mutation", "parent": SPACE.format(parent)}


def test_a_smaller_tournament_is_won_by_the_best_drawn():
    """With two of four drawn the best wins in 3 of 6 pairs, the second in 2, the third in 1, the last never."""
    known, proposer = observed(4), Evolution(SimpleNamespace(population=4, tournament=2))
    rng, order = np.random.default_rng(0), sorted(range(4), key=lambda i: -known[i].scores[0])
    texts = [SPACE.format(known[i].architecture) for i in order]
    wins = [0, 0, 0, 0]
    for _ in range(600):
        wins[texts.index(proposer.propose(MEMBERS, known, rng).why["parent"])] += 1
    assert wins[3] == 0
    assert np.array(wins[:3]) / 600 == pytest.approx([3 / 6, 2 / 6, 1 / 6], abs=0.07)


def test_the_first_population_is_random():
    found = Evolution(SimpleNamespace(population=5, tournament=2)).propose(MEMBERS, observed(4),
                                                                           np.random.default_rng(0))
    assert found.why == {"chosen_by": "random"}


def test_equal_first_scores_are_told_apart_by_the_second():
    arch = next(iter(SPACE.members()))
    rows = [Scored(arch, scores) for scores in ((1.0, 5.0), (2.0, -3.0), (2.0, -1.0))]
    assert best_in_order(rows) is rows[2]


@pytest.mark.parametrize("listed", [True, False])
def test_all_members_are_proposed_once_until_none_is_left(listed):
    """74,000 parameters leave a few hundred of NAS-Bench-201's members; 24 layers with one operation leave few."""
    if listed:
        members = FeasibleMembers(SPACE, Budget(params=74_000), COSTS)
        whole, identities = members.count(), [tuple(row) for row in members.listed().tolist()]
    else:
        space = Chain(layers=8)
        costs = count_costs(space)
        members = FeasibleMembers(space, Budget(params=min(
            costs[0].value(space.architecture([0] * i + [1] + [0] * (7 - i))) for i in range(8))), costs)
        whole, identities = None, None
    rng, found = np.random.default_rng(0), []

    def propose() -> None:
        new = NewMembers(members, found, lambda arch: arch.choices, identities)
        found.append(new.sample(rng))
        assert members.allows(found[-1])

    with pytest.raises(ExhaustedError, match=r"proposed after \d+ trials; nothing is left"):
        all(propose() is None for _ in range(1000))
    assert len(found) == len(set(found)) > 3
    assert whole is None or len(found) == whole
