"""The interval of a proportion, by hand and against scipy."""

import math

import pytest
from scipy.stats import binomtest, norm

from dcanas.basics.statistics import Z95, paired_interval, wilson_interval


def test_wilson_by_hand():
    # 8 of 10: z^2 = 3.8415; middle (0.8 + 0.19207) / 1.38415 = 0.71674;
    # half 1.95996 / 1.38415 * sqrt(0.8 * 0.2 / 10 + 3.8415 / 400) = 1.41601 * 0.16002 = 0.22659
    assert wilson_interval(0.8, 10) == pytest.approx((0.49016, 0.94333), abs=2e-5)
    assert wilson_interval(1.0, 10) == pytest.approx((1 / (1 + 3.84146 / 10), 1), abs=1e-5)  # n / (n + z^2)
    assert wilson_interval(0.0, 10) == pytest.approx((0.0, 1 - wilson_interval(1.0, 10)[0]))


@pytest.mark.parametrize("count", [1, 7, 40, 1000])
def test_wilson_against_scipy(count):
    assert pytest.approx(norm.ppf(0.975), abs=1e-15) == Z95
    for correct in range(count + 1):
        expected = binomtest(correct, count).proportion_ci(0.95, method="wilson")
        assert wilson_interval(correct / count, count) == pytest.approx(tuple(expected), abs=1e-14)


@pytest.mark.parametrize(("first", "second", "count", "low", "high"), [
    (0, 0, 100, -0.019, 0.019),  # 1.96 sqrt(1) / 102
    (20, 10, 100, -0.0072, 0.2033),  # 10/102 +- 1.96 sqrt(31 - 100/102) / 102: 0.0980 +- 0.1053
])
def test_a_paired_difference(first, second, count, low, high):
    """The formula of Agresti and Min, by hand: (b - c)/(n + 2) +- 1.96 sqrt(b + c + 1 - (b - c)^2/(n + 2))/(n + 2)."""
    found = paired_interval(first, second, count)
    middle = (first - second) / (count + 2)
    half = 1.959964 * math.sqrt(first + second + 1 - (first - second) ** 2 / (count + 2)) / (count + 2)
    assert found == pytest.approx((middle - half, middle + half), abs=1e-6)
    assert found == pytest.approx((low, high), abs=1e-3)
    assert paired_interval(second, first, count) == pytest.approx((-found[1], -found[0]))
