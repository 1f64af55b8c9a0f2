"""Statistics against scipy's and brute force."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from dcanas.basics.errors import UserError
from dcanas.proxies.rank_statistics import (
    best_ranking_at_k,
    interval,
    kendall,
    partial_spearman,
    precision_at_k,
    rank_statistics,
    spearman,
    weighted_kendall,
)

DRAW = np.random.default_rng(0)
TARGETS = DRAW.normal(size=60)
SCORES = TARGETS + DRAW.normal(size=60)


def test_kendall_counts_pairs():
    concordant = sum(np.sign((SCORES[i] - SCORES[j]) * (TARGETS[i] - TARGETS[j]))
                     for i, j in itertools.combinations(range(60), 2))
    assert kendall(SCORES, TARGETS) == pytest.approx(concordant / (60 * 59 / 2))
    assert kendall(TARGETS, TARGETS) == 1
    assert kendall(-TARGETS, TARGETS) == -1


def test_spearman_is_pearson_of_ranks_with_ties_at_their_mean():
    coarse = np.round(SCORES)
    assert len(set(coarse)) < 10
    expected = np.corrcoef(stats.rankdata(coarse), stats.rankdata(TARGETS))[0, 1]
    assert spearman(coarse, TARGETS) == pytest.approx(expected)


def test_weighted_kendall_cares_more_about_the_best():
    order = np.arange(20.0)
    wrong_top, wrong_bottom = order.copy(), order.copy()
    wrong_top[[18, 19]] = wrong_top[[19, 18]]
    wrong_bottom[[0, 1]] = wrong_bottom[[1, 0]]
    assert weighted_kendall(wrong_top, order) < weighted_kendall(wrong_bottom, order) < 1
    assert weighted_kendall(SCORES, TARGETS) == pytest.approx(stats.weightedtau(SCORES, TARGETS).statistic)


def test_top_k_by_hand():
    scores, targets = np.array([5, 4, 3, 2, 1.0]), np.array([10, 50, 20, 40, 30.0])
    assert precision_at_k(scores, targets, 2) == 0.5  # {0, 1} against {1, 3}
    assert best_ranking_at_k(scores, targets, 1) == 5
    assert best_ranking_at_k(scores, targets, 2) == 1
    assert best_ranking_at_k(-scores, targets, 2) == 2  # {4, 3}: 30 is third, 40 second
    with pytest.raises(UserError, match="K must be from 1 to the number of networks, 5, got 6"):
        precision_at_k(scores, targets, 6)


def test_a_score_that_does_not_exist_is_the_worst():
    targets = np.arange(5.0)
    assert kendall(np.array([math.nan, 1, 2, 3, 4]), targets) == pytest.approx(1)
    assert kendall(np.array([0, 1, 2, 3, math.nan]), targets) == pytest.approx((6 - 4) / 10)
    assert math.isnan(kendall(np.zeros(5), targets))


def test_partial_correlation_is_that_of_residual_ranks():
    """Correlation of what is left of both ranks after a least-squares line in the third's ranks."""
    given = TARGETS + DRAW.normal(size=60)
    ranks = [stats.rankdata(v) for v in (SCORES, TARGETS, given)]
    left = [r - np.polyval(np.polyfit(ranks[2], r, 1), ranks[2]) for r in ranks[:2]]
    assert partial_spearman(SCORES, TARGETS, given) == pytest.approx(np.corrcoef(*left)[0, 1])
    assert math.isnan(partial_spearman(given, TARGETS, given))


def test_the_interval_covers_as_often_as_it_says():
    """Normal pairs of correlation 0.7 (Spearman 6/pi asin(0.35) = 0.683): 95 percent intervals hold it mostly."""
    def of_ranks(scores, targets):
        return np.corrcoef(stats.rankdata(scores), stats.rankdata(targets))[0, 1]

    truth, hits = 6 / math.pi * math.asin(0.35), 0
    for seed in range(30):
        rng = np.random.default_rng(seed)
        pair = rng.multivariate_normal([0, 0], [[1, 0.7], [0.7, 1]], size=60)
        low, high = interval(of_ranks, pair[:, 0], pair[:, 1], seed=seed, draws=200)
        hits += low <= truth <= high
    assert 25 <= hits <= 30  # binomial(30, 0.95): fewer than 25 has probability 0.3 percent


def test_judge_brings_all_together():
    found = rank_statistics(SCORES, TARGETS, k=6, draws=50)
    best = np.argsort(-TARGETS)[:6]
    assert found.networks == 60
    assert found.spearman == pytest.approx(stats.spearmanr(SCORES, TARGETS).statistic)
    assert found.best_tenth_kendall == pytest.approx(stats.kendalltau(SCORES[best], TARGETS[best]).statistic)
    assert found.spearman_interval[0] < found.spearman < found.spearman_interval[1]
    with pytest.raises(UserError, match=r"one number per network, got shapes \(60,\) and \(59,\)"):
        rank_statistics(SCORES, TARGETS[1:])
