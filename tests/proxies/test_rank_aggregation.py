"""Votes by hand and against brute force."""

from __future__ import annotations

import math

import numpy as np
import pytest

from dcanas.basics.errors import UserError
from dcanas.proxies.rank_aggregation import borda, combine, copeland, log_rank, ranks, worst_rank

CYCLE = np.array([[3.0, 2, 1], [1, 3, 2], [2, 1, 3]])  # 0 beats 1, 1 beats 2, 2 beats 0, two to one each


def majority(scores, one, other):
    """1 if more scores prefer `one` to `other` than the reverse, -1 if fewer."""
    ranked = ranks(scores[:, [one, other]])
    return int(np.sign(np.sign(ranked[:, 0] - ranked[:, 1]).sum()))


def test_where_the_majority_is_not_transitive_all_are_equal():
    assert [majority(CYCLE, a, b) for a, b in ((0, 1), (1, 2), (2, 0))] == [1, 1, 1]
    assert list(copeland(CYCLE)) == [0, 0, 0]
    assert list(borda(CYCLE)) == [6, 6, 6]


def test_where_it_is_transitive_all_votes_agree():
    voters = np.array([[1.0, 2, 3, 4], [10, 20, 30, 40], [2, 1, 3, 4]])
    for aggregate in (borda, copeland, log_rank, worst_rank):
        assert list(np.argsort(aggregate(voters))) == [0, 1, 2, 3]


def test_copeland_counts_wins_less_losses():
    voters = np.random.default_rng(0).normal(size=(3, 30))
    expected = [sum(majority(voters, i, j) for j in range(30) if j != i) for i in range(30)]
    assert list(copeland(voters)) == expected


def test_log_rank_by_hand():
    """Ranks 1, 2, 3 of 3: log(1/3), log(2/3), log(1); the middle one in both beats a first with a last."""
    voters = np.array([[3.0, 2, 1], [1, 2, 3]])
    assert log_rank(voters) == pytest.approx([math.log(1 / 3), 2 * math.log(2 / 3), math.log(1 / 3)])
    assert list(borda(voters)) == [4, 4, 4]


def test_worst_rank_by_hand():
    """Ranks (1, 5), (3, 2), (2, 4), (5, 1), (4, 3): worst 1, 2, 2, 1, 3; of equals the larger sum is better."""
    voters = np.array([[1.0, 3, 2, 5, 4], [5, 2, 4, 1, 3]])
    found = worst_rank(voters)
    assert list(found.astype(int)) == [1, 2, 2, 1, 3]
    assert list(np.argsort(-found)) == [4, 2, 1, 0, 3]
    assert found[0] == found[3]


def test_named_votes_know_directions_and_missing_scores():
    scores = {"synflow": np.array([1.0, 2, 3]), "jacov": np.array([1.0, 2, math.nan]), "wrcor": np.array([2.0, 1, 3])}
    assert list(combine("sjw", scores)) == [-2, 0, 2]  # a failed jacov loses to both, the other two prefer the third
    assert list(combine("sjw", scores, "borda")) == [5, 6, 7]
    with pytest.raises(UserError, match="The combination spw needs the score phi; it combines synflow, phi, wrcor"):
        combine("spw", scores)
    with pytest.raises(UserError, match="Unknown combination 'sjv'; did you mean 'sjw'"):
        combine("sjv", scores)
