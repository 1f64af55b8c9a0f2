"""The latency model: exact where the truth is of its form, honest where it is not, on real devices' tables too."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from dcanas.basics.errors import UserError
from dcanas.hardware import choose_members, fit_latency
from dcanas.spaces import load_space

TABLES = Path(os.environ.get("DCANAS_TABLES", Path(__file__).parents[4] / "shared" / "data"))


@pytest.fixture(scope="module")
def members():
    """Counts of skip, 1x1, 3x3, pool of every member of NAS-Bench-201, and the benchmark's index of each."""
    space = load_space("nasbench201")
    kept = [(i, a) for i, a in enumerate(space.enumerate()) if space.is_member(a)]
    counts = np.array([[sum(c == option for c in a.choices) for option in range(1, 5)] for _, a in kept])
    return counts, np.array([i for i, _ in kept])


@pytest.fixture(scope="module")
def size(members):
    return members[0] @ np.array([0, 28_000, 243_040, 0]) + 73_306  # params at channels 16, cells 5, as published


def test_a_linear_truth_is_found_exactly(members):
    counts, _ = members
    price = np.array([0.01, 0.2, 0.9, 0.05])
    latencies = 1.5 + counts @ price
    chosen = choose_members(counts, 12, np.random.default_rng(0))
    fit = fit_latency(counts[chosen], latencies[chosen], counts[chosen] @ np.array([0, 1, 9, 0]))
    assert fit.base == pytest.approx(1.5)
    assert fit.per_option == pytest.approx(tuple(price))
    assert fit.relative_residual_q95 == pytest.approx(0, abs=1e-9)
    assert fit.loo_mape == pytest.approx(0, abs=1e-9)
    assert fit.macs_mape is not None
    assert fit.macs_mape > 0.01  # pools and skips cost time but no MACs
    np.testing.assert_allclose(fit.base + counts @ fit.per_option, latencies)
    assert fit.n == 12


def test_no_option_gets_a_negative_price(members):
    counts, _ = members
    chosen = choose_members(counts, 20, np.random.default_rng(1))
    latencies = 2 + counts[chosen] @ np.array([-0.1, 0.2, 0.9, 0.05])
    fit = fit_latency(counts[chosen], latencies)
    assert fit.per_option[0] == 0
    assert min(fit.base, *fit.per_option) >= 0
    assert fit.macs_mape is None


def test_errors_count_relatively():
    """y = 1 at no operation (twice) and 100, 110 at one: absolute least squares would give price 104; minimising
    (b - 1)^2 twice and (p/100 - 1)^2 + (p/110 - 1)^2 with p = b + price gives b = 1 and
    p = (1/100 + 1/110) / (1/100^2 + 1/110^2) = 104.52."""
    fit = fit_latency(np.array([[0], [0], [1], [1]]), np.array([1.0, 1.0, 100.0, 110.0]))
    assert fit.base == pytest.approx(1, rel=1e-6)
    assert fit.base + fit.per_option[0] == pytest.approx((1 / 100 + 1 / 110) / (1 / 100**2 + 1 / 110**2))


def test_bound_and_error_come_from_left_out_members():
    """One option, base 0: latencies 1, 1, 1, 1, 2 at counts 1. Left out, a 1 is predicted by (four others: 1, 1, 1, 2)
    sum(1/y) / sum(1/y^2) = 3.5 / 3.25; the 2 by 1, so its residual is 2 / 1 - 1 = 1, the largest."""
    fit = fit_latency(np.ones((5, 1)), np.array([1.0, 1.0, 1.0, 1.0, 2.0]))
    assert fit.relative_residual_q95 == pytest.approx(1.0)
    assert fit.loo_mape == pytest.approx((4 * (3.5 / 3.25 - 1) + 0.5) / 5)


def test_too_little_to_fit_is_refused():
    with pytest.raises(UserError, match="of 4 options needs at least 6 measured networks, got 5"):
        fit_latency(np.ones((5, 4)), np.ones(5))
    with pytest.raises(UserError, match="positive numbers of milliseconds"):
        fit_latency(np.ones((4, 1)), np.array([1.0, np.nan, 1.0, 1.0]))


def test_members_are_distinct_and_hold_the_extremes(members, size):
    counts, _ = members
    for seed in range(5):
        chosen = choose_members(counts, 12, np.random.default_rng(seed), size)
        assert len(set(chosen)) == 12
        assert size[chosen[0]] == size.min()
        assert size[chosen[1]] == size.max()
        assert np.linalg.matrix_rank(np.column_stack([np.ones(12), counts[chosen]])) == 5
    assert choose_members(counts, 12, np.random.default_rng(3), size) == \
        choose_members(counts, 12, np.random.default_rng(3), size)
    with pytest.raises(UserError, match="between 2 and 9444, got 1"):
        choose_members(counts, 1, np.random.default_rng(0))


def test_design_is_surer_than_chance(members):
    """Log-determinant of the information of the first seven, against random sevens."""
    counts, _ = members
    features = np.column_stack([np.ones(len(counts)), counts])

    def information(rows):
        return np.linalg.slogdet(features[rows].T @ features[rows])[1]

    designed = information(choose_members(counts, 7, np.random.default_rng(0)))
    rng = np.random.default_rng(1)
    random = [information(rng.choice(len(counts), 7, replace=False)) for _ in range(200)]
    assert designed > np.quantile(random, 0.99)


def test_a_few_members_are_taken_all():
    counts = np.array([[0], [1], [1], [2]])
    assert sorted(choose_members(counts, 4, np.random.default_rng(0))) == [0, 1, 2, 3]


@pytest.mark.skipif(not (TABLES / "nasbench201_latency_devices.npz").is_file(),
                    reason="published latency tables are not here (DCANAS_TABLES)")
def test_bound_holds_on_published_devices(members, size):
    """12 measured of 9,444: the bound of the largest of 12 residuals covers 12 of 13 = 92 % of members."""
    counts, indices = members
    table = np.load(TABLES / "nasbench201_latency_devices.npz", allow_pickle=False)
    covered, error, baseline = [], [], []
    for device in ("gold_6226", "silver_4210r", "raspi4", "pixel3", "samsung_a50", "essential_ph_1"):
        latencies = table[device][indices].astype(float)
        for seed in range(3):
            chosen = choose_members(counts, 12, np.random.default_rng(seed), size)
            fit = fit_latency(counts[chosen], latencies[chosen], size[chosen])
            predicted = fit.base + counts @ fit.per_option
            covered.append(np.mean(latencies <= predicted * (1 + fit.relative_residual_q95)))
            error.append(np.mean(np.abs(predicted / latencies - 1)))
            baseline.append(fit.macs_mape)
    assert np.mean(covered) >= 12 / 13
    assert np.mean(error) < 0.10
    assert np.mean(error) < np.mean(baseline)
