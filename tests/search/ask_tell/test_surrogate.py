"""Expected improvement against numerical integration, the forest against what it is given."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from dcanas.search.ask_tell.surrogate import (
    Forest,
    cross_validated,
    cross_validated_count,
    fitted_count,
    log_expected_improvement,
    log_probability_within,
    normal_scores,
)


@pytest.mark.parametrize(("mean", "deviation", "best"), [(1.0, 0.5, 1.2), (0.0, 1.0, 4.0), (3.0, 0.1, 2.0),
                                                          (0.0, 1.0, 7.0)])
def test_log_of_the_integral(mean, deviation, best):
    integral, _ = quad(lambda y: (y - best) * norm.pdf(y, mean, deviation), best,
                       max(best, mean) + 12 * deviation, epsabs=1e-30)
    found = log_expected_improvement(np.array([mean]), np.array([deviation]), best)[0]
    assert found == pytest.approx(np.log(integral), abs=5e-3)


def test_orders_where_the_integral_is_zero_in_floating_point():
    found = log_expected_improvement(np.array([0.0, 1.0, 2.0]), np.full(3, 0.01), 10.0)
    assert np.isfinite(found).all()
    assert found[0] < found[1] < found[2]


def test_is_continuous_where_the_formula_changes():
    found = log_expected_improvement(np.array([-5.0001, -4.9999]), np.ones(2), 0.0)
    assert found[1] - found[0] == pytest.approx(0, abs=0.02)


def test_certain_beliefs():
    found = log_expected_improvement(np.array([3.0, 1.0]), np.zeros(2), 2.0)
    assert found[0] == pytest.approx(np.log(1.0))
    assert found[1] == -np.inf


def test_forest_learns_and_is_less_sure_away_from_its_data():
    rng = np.random.default_rng(0)
    x = rng.integers(0, 2, (200, 8)).astype(np.float32)
    y = 3 * x[:, 0] + x[:, 1]
    mean, deviation = Forest(x, y, 0).predict(np.eye(8, dtype=np.float32)[:2])
    assert mean[0] == pytest.approx(3, abs=0.5)
    assert mean[1] == pytest.approx(1, abs=0.5)
    again, _ = Forest(x, y, 0).predict(np.eye(8, dtype=np.float32)[:2])
    assert np.array_equal(mean, again)
    few = Forest(x[:12], y[:12], 0).predict(x)[1].mean()
    assert few > Forest(x, y, 0).predict(x)[1].mean()
    assert np.all(deviation >= 0)


def test_cross_validation_never_sees_what_it_predicts():
    """Values that are noise: seen, a tree to the end repeats them; unseen, it cannot."""
    rng = np.random.default_rng(0)
    x, y = np.eye(30, dtype=np.float32), rng.normal(size=30)
    blind = cross_validated(x, y, 0)
    assert blind is not None
    assert abs(np.corrcoef(blind, y)[0, 1]) < 0.6
    assert np.corrcoef(Forest(x, y, 0).predict(x)[0], y)[0, 1] > 0.8
    assert cross_validated(x[:9], y[:9], 0) is None


def test_normal_scores_are_those_of_ranks():
    """Three values: ranks 1, 2, 3 at (r - 3/8) / 3.25 of the normal distribution, the median at 0."""
    found = normal_scores(np.array([10.0, 91.5, 91.4]))
    assert found == pytest.approx([norm.ppf(0.625 / 3.25), norm.ppf(2.625 / 3.25), 0.0])
    assert normal_scores(np.array([2.0, 2.0, 1.0]))[:2] == pytest.approx([norm.ppf(2.125 / 3.25)] * 2)


def test_counts_of_cross_validation():
    assert [cross_validated_count(n) for n in (5, 10, 11, 12, 20, 100)][:4] == [5, 10, 11, 12]
    for n in (37, 100, 999):
        assert n / 1.1 - 1 <= cross_validated_count(n) <= n


def test_probability_of_keeping_a_limit():
    found = np.exp(log_probability_within(np.array([1.0, 2.0, 3.0, 1.0, 3.0]), 2.0, np.array([1.0, 1, 1, 0, 0])))
    assert found == pytest.approx([0.8413, 0.5, 0.1587, 1, 0], abs=1e-4)


def test_counts_of_fits() -> None:
    """Every observation up to 200, then a new forest for every tenth more."""
    assert [fitted_count(n) for n in (1, 57, 200, 201, 219, 220, 241, 242)] == [1, 57, 200, 200, 200, 220, 220, 242]
    assert len({fitted_count(n) for n in range(200, 10_001)}) == 1 + int(np.log(10_000 / 200) / np.log(1.1))
