"""Reliability and influence against arithmetic done by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kendalltau

from dcanas.search.ask_tell.reliability import influences, reliability


def test_pairs_counted_by_hand():
    values = np.array([1.0, 2.0, 3.0, 3.0])  # five pairs differ; the last two are equal and say nothing
    scores = np.array([
        [1, 2, 3, 4],            # all five right
        [4, 3, 2, 1],            # none
        [7, 7, 7, 7],            # half of each
        [1, 3, 2, 4],            # (2, 3) wrong: 4 of 5
        [np.nan, 2, 3, np.nan],  # right: 12 13 23; (1, 4) both absent: half; (2, 4) wrong: 3.5 of 5
    ])
    assert reliability(scores, values) == pytest.approx([1, 0, 0.5, 0.8, 0.7])


def test_is_kendalls_tau_where_nothing_is_equal():
    rng = np.random.default_rng(0)
    values, scores = rng.normal(size=50), rng.normal(size=(3, 50))
    expected = [(kendalltau(row, values).statistic + 1) / 2 for row in scores]
    assert reliability(scores, values) == pytest.approx(expected)
    assert np.all(np.abs(reliability(scores, values) - 0.5) < 0.15)


def test_nothing_to_compare_says_nothing():
    assert reliability(np.array([[1.0, 2.0]]), np.array([5.0, 5.0])) == pytest.approx([0.5])


def test_influences_harden_as_observations_accumulate():
    """tau = 0.05 / (1 + log 10) = 0.01514; exp(-0.1 / tau) = 0.00135; with one observation exp(-2) = 0.1353."""
    early, late = (influences(np.array([0.8, 0.7]), n, 0.05) for n in (1, 10))
    assert early[1] / early[0] == pytest.approx(np.exp(-2))
    assert late[1] / late[0] == pytest.approx(0.00135, rel=0.01)
    assert early.sum() == pytest.approx(1, abs=1e-12)
    assert influences(np.array([0.0, 1.0, 1.0]), 10_000, 1e-4) == pytest.approx([0, 0.5, 0.5])


def test_all_pairs_are_counted_as_one_by_one() -> None:
    """Against the definition, pair by pair: with ties in both, scores that are absent, and scores that say nothing."""
    rng = np.random.default_rng(0)
    values = rng.integers(0, 12, 60).astype(float)
    scores = np.vstack([values + rng.normal(0, 3, 60), rng.integers(0, 4, 60), -values, np.full(60, np.nan)])
    scores[0, :7] = np.nan
    pairs = [(i, j) for i in range(60) for j in range(i) if values[i] > values[j]]
    pairs += [(j, i) for i in range(60) for j in range(i) if values[i] < values[j]]
    known = np.where(np.isnan(scores), -np.inf, scores)
    expected = [np.mean([0.5 * (1 + np.sign(int(row[i] > row[j]) - int(row[i] < row[j]))) for i, j in pairs])
                for row in known]
    assert reliability(scores, values) == pytest.approx(expected, abs=1e-12)
