"""The quantile of 95 % intervals, and the interval of a proportion."""

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
