"""Intervals that hold: coverage on simulated run times whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from dcanas.hardware.measuring.statistics import effective_rounds, median_interval, p95_upper


def simulate(rng, rounds, correlation, runs=20):
    """Log-normal machine state that persists from round to round, exponential jitter of single runs, two repeats."""
    noise = rng.normal(size=rounds + 60)
    state = np.zeros(rounds + 60)
    for i in range(1, len(state)):
        state[i] = correlation * state[i - 1] + noise[i] * (1 - correlation**2) ** 0.5
    return np.exp(0.05 * state[60:, None, None]) * (1 + 0.1 * rng.exponential(size=(rounds, 2, runs)))


@pytest.fixture(scope="module")
def truth():
    samples = simulate(np.random.default_rng(99), 40_000, 0.0)  # the correlation does not change the distribution
    return float(np.median(np.median(samples, axis=2))), float(np.percentile(samples, 95))


@pytest.mark.parametrize(("rounds", "correlation", "at_least"), [(50, 0.0, 0.93), (50, 0.5, 0.93), (50, 0.8, 0.88),
                                                                (20, 0.5, 0.92)])
def test_intervals_cover_the_truth_although_rounds_are_correlated(truth, rounds, correlation, at_least):
    median, p95 = truth
    samples = [simulate(np.random.default_rng(seed), rounds, correlation) for seed in range(200)]
    intervals = [median_interval(np.median(s, axis=2)) for s in samples]
    assert np.mean([low <= median <= high for low, high in intervals]) >= at_least
    assert np.mean([p95_upper(s) >= p95 for s in samples]) >= at_least - 0.03
    # and they say something: half of them are narrower than the spread of the machine's states
    assert np.median([high - low for low, high in intervals]) < 4 * 0.05 * median


def test_correlated_rounds_are_worth_less():
    rng = np.random.default_rng(0)
    independent = rng.normal(size=400)
    walk = np.repeat(rng.normal(size=40), 10) + 1e-3 * rng.normal(size=400)  # ten equal states in a row
    assert 250 < effective_rounds(independent) <= 400
    assert 10 < effective_rounds(walk) < 40
    assert effective_rounds(np.full(30, 1.5)) == 30
    assert effective_rounds(np.array([1.0, 2.0, 1.5])) == 1


def test_interval_of_independent_rounds_is_the_textbooks_order_statistics():
    """Alternating ranks have no positive correlation, so all n = 99 rounds count: ranks 50 -+ 1.96 / 2 x 100 / sqrt(99)
    = 40.15 and 59.85, widened outwards to 40 and 60."""
    order = np.stack([np.arange(1, 50), np.arange(98, 49, -1)], axis=1).reshape(-1)
    values = np.append(order, 99).astype(float)
    assert median_interval(np.stack([values, values], axis=1)) == (40.0, 60.0)


def test_repeats_that_differ_widen_the_interval():
    rng = np.random.default_rng(0)
    medians = 1 + 0.001 * rng.normal(size=(60, 2)) + np.array([0.0, 0.2])
    low, high = median_interval(medians)
    assert low == pytest.approx(1.0, abs=0.002)
    assert high == pytest.approx(1.2, abs=0.002)
    samples = np.stack([np.full((60, 10), 1.0), np.full((60, 10), 2.0)], axis=1)
    assert p95_upper(samples) == 2.0


def test_drift_gives_the_whole_range():
    medians = np.linspace(1.0, 2.0, 40)[:, None].repeat(2, axis=1)
    assert median_interval(medians) == (1.0, 2.0)
