"""Training-free scores order a pool: sums of ranks by hand, ties by the search's own score."""

from __future__ import annotations

import math

from dcanas.search.pool import Candidate
from dcanas.search.rerank import reranked
from dcanas.spaces import Architecture


def test_sums_of_ranks_and_ties():
    """Ranks (own, nwot, plain: lower is better): a 4+1+2=7, b 3+4+3=10, c 2+3+1=6, d 1+2+4=7; a before d by its own."""
    pool = [Candidate(Architecture("x", (i,)), own, "score") for i, own in enumerate((4.0, 3.0, 2.0, 1.0))]
    scores = [{"nwot": 1.0, "plain": 3.0}, {"nwot": 9.0, "plain": 2.0}, {"nwot": 7.0, "plain": 9.0},
              {"nwot": 5.0, "plain": -1.0}]
    found = reranked(pool, scores, ["nwot", "plain"])
    assert [c.architecture.choices[0] for c in found] == [1, 0, 3, 2]
    assert [c.score for c in found] == [10, 7, 7, 6]


def test_a_score_that_does_not_exist_ranks_last():
    pool = [Candidate(Architecture("x", (i,)), 0.0, "score") for i in range(3)]
    found = reranked(pool, [{"nwot": math.nan}, {"nwot": -5.0}, {"nwot": 3.0}], ["nwot"])
    assert [c.architecture.choices[0] for c in found] == [2, 1, 0]
