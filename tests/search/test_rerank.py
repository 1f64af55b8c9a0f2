"""Training-free scores order a pool and random members beside it: votes by hand, limits kept, ties by the search."""

from __future__ import annotations

import math
from itertools import islice

import numpy as np
import pytest

from dcanas.costs import Budget, LinearCost, count_costs
from dcanas.search.pool import Candidate
from dcanas.search.rerank import reranked, reranked_again
from dcanas.spaces import load_space

SPACE = load_space("nasbench201")
MEMBERS = list(islice((arch for arch in SPACE.members() if 1 in arch.choices), 400))
WORTH = np.array([0, 1, 3, 5, 2])  # of none, skip, 1x1, 3x3, pool: an invented truth


def pool_of(owns):
    return [Candidate(MEMBERS[i], own, "score") for i, own in enumerate(owns)]


def ordered(pool, scores, names):
    of = dict(zip((c.architecture for c in pool), scores, strict=True))
    return reranked(SPACE, Budget(), [], pool, of.__getitem__, names)


def test_votes_by_hand():
    """Places by nwot (larger is better) and plain (smaller is): a 4 and 3, b 1 and 2, c 2 and 4, d 3 and 1.

    Sums of the logarithms of n + 1 - place = a 1, 2; b 4, 3; c 3, 1; d 2, 4: log 2, log 12, log 3, log 8.
    """
    pool = pool_of((4.0, 3.0, 2.0, 1.0))
    scores = [{"nwot": 1.0, "plain": 3.0}, {"nwot": 9.0, "plain": 2.0}, {"nwot": 7.0, "plain": 9.0},
              {"nwot": 5.0, "plain": -1.0}]
    found = ordered(pool, scores, ["nwot", "plain"])
    assert [c.architecture for c in found] == [pool[i].architecture for i in (1, 3, 2, 0)]


def test_equal_votes_are_decided_by_the_search():
    pool = pool_of((1.0, 3.0, 2.0))
    found = ordered(pool, [{"nwot": 5.0}] * 3, ["nwot"])
    assert [c.architecture for c in found] == [pool[i].architecture for i in (1, 2, 0)]


def test_a_score_that_does_not_exist_ranks_last():
    pool = pool_of((0.0, 0.0, 0.0))
    found = ordered(pool, [{"nwot": math.nan}, {"nwot": -5.0}, {"nwot": 3.0}], ["nwot"])
    assert [c.architecture for c in found] == [pool[i].architecture for i in (2, 1, 0)]


@pytest.mark.parametrize("evaluations", [0, 150])
def test_random_members_within_the_limits_join_the_pool(evaluations):
    budget = Budget(params=400_000, peak_bytes=250_000)
    costs = count_costs(SPACE)
    limited = [cost for cost in costs if cost.name in budget]
    within = [a for a in SPACE.members() if all(budget.allows(c.name, c.value(a)) for c in limited)]

    def worth(arch):
        return float(WORTH[list(arch.choices)].sum())

    poorest = sorted(within, key=worth)[:20]
    seen = []

    def score(arch):
        seen.append(arch)
        return {"synflow": worth(arch)}

    found = reranked(SPACE, budget, costs, [Candidate(a, 0.0, "score") for a in poorest], score, ["synflow"],
                     evaluations=evaluations)
    assert set(seen[:20]) == set(poorest)
    assert len(seen) == len(set(seen)) == len(found) == max(20, evaluations)
    assert set(seen) <= set(within)
    assert [worth(c.architecture) for c in found] == sorted((worth(a) for a in seen), reverse=True)
    assert {c.architecture for c in found if c.origin == "score"} == set(poorest)
    if evaluations:  # the best of 130 random ones is beyond the 95th percentile but for one time in 800
        assert worth(found[0].architecture) >= np.percentile([worth(a) for a in within], 95)


def test_a_second_vote_orders_the_first_sixteen_different_networks():
    """Twenty candidates, the second equal to the first as a network: the first and the third to seventeenth vote."""
    chain, same = (SPACE.parse(f"|skip_connect~0|+|{direct}~0|{by_node_1}~1|+|none~0|none~1|skip_connect~2|")
                   for direct, by_node_1 in (("nor_conv_3x3", "none"), ("none", "nor_conv_3x3")))
    assert SPACE.canonical(chain) == SPACE.canonical(same)
    different = list({SPACE.canonical(a): a for a in MEMBERS if SPACE.canonical(a) != SPACE.canonical(chain)}.values())
    archs = [chain, same, *different[:18]]
    candidates = [Candidate(arch, -float(i), "random") for i, arch in enumerate(archs)]
    seen = []

    def score(arch):
        seen.append(arch)
        return {"nwot": float(archs.index(arch)) if arch != archs[9] else math.nan, "plain": 1.0}

    found = reranked_again(SPACE, candidates, score, ["nwot", "plain"])
    assert seen == [archs[0], *archs[2:17]]
    places = [archs.index(c.architecture) for c in found]
    assert places == [16, 15, 14, 13, 12, 11, 10, 8, 7, 6, 5, 4, 3, 2, 0, 9, 1, 17, 18, 19]
    assert [c.score for c in found] == sorted((c.score for c in found), reverse=True)
    assert found[15].score == -1.0  # not below the first of those that were left out
    seen.clear()
    late = LinearCost(0.0, tuple(tuple(float(o == archs[18].choices[i]) for o in range(5)) for i in range(6)), "macs")
    found = reranked_again(SPACE, candidates, score, ["nwot", "plain"], sizes=[late])
    assert seen == [archs[0], *archs[2:17], archs[18]]  # the largest by a cost that is largest there
    assert found[0].architecture == archs[18]


def test_a_second_vote_on_fewer_than_sixteen_and_its_ties():
    pool = pool_of((3.0, 2.0, 1.0))
    scores = dict(zip((c.architecture for c in pool), ({"zen": 1.0}, {"zen": 1.0}, {"zen": 2.0}), strict=True))
    found = reranked_again(SPACE, pool, scores.__getitem__, ["zen"])
    assert [c.architecture for c in found] == [pool[i].architecture for i in (2, 0, 1)]
