"""The quantile of 95 % intervals, and the intervals of a proportion and of a difference of paired ones."""

from __future__ import annotations

import math

Z95 = 1.959963984540054  # 97.5 % quantile of the standard normal distribution: of two-sided 95 % intervals
UNEVEN = 1.5  # times its fair part: share of the largest class from which accuracy alone misleads


def wilson_interval(share: float, count: float) -> tuple[float, float]:
    """Return the 95 % score interval of a proportion (Wilson, JASA 1927).

    Args:
        share: the observed proportion, from 0 to 1.
        count: the number of independent observations, above 0; need not be whole.

    Returns:
        The lower and the upper end, both from 0 to 1.
    """
    square = Z95**2
    middle = (share + square / (2 * count)) / (1 + square / count)
    half = Z95 / (1 + square / count) * math.sqrt(share * (1 - share) / count + square / (4 * count**2))
    return max(0.0, middle - half), min(1.0, middle + half)


def paired_interval(first_only: int, second_only: int, count: int) -> tuple[float, float]:
    """Return the 95 % interval of the difference, first minus second, of two shares of the same observations.

    The adjusted Wald interval: half an observation is added to each of the four cells (Agresti and Min, Statistics in
    Medicine 2005).

    Args:
        first_only, second_only: observations that count for the one alone.
        count: all observations, above 0.

    Returns:
        The lower and the upper end, both from -1 to 1.
    """
    one, other, whole = first_only + 0.5, second_only + 0.5, count + 2
    middle = (one - other) / whole
    half = Z95 * math.sqrt(one + other - (one - other) ** 2 / whole) / whole
    return max(-1.0, middle - half), min(1.0, middle + half)
