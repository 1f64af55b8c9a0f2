"""Confidence intervals of run times, without an assumption about their distribution.

Neighbouring rounds meet the same state of the machine. If they were counted as independent, every interval would be too
narrow, so the number of rounds is reduced to an effective one, and intervals are order statistics.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from dcanas.basics.statistics import Z95


def effective_rounds(values: NDArray[np.float64]) -> float:
    """Return the effective number of independent rounds, n (1 - r) / (1 + r). Shape: (rounds,).

    r, the correlation of neighbours, is that of ranks, so that single outliers do not count, and is corrected for its
    bias in short series (Kendall 1954: -(1 + 4 r) / n).
    """
    n = len(values)
    if n <= 4:
        return 1.0
    _, place, ties = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (ties.cumsum() - ties / 2)[place] - n / 2  # equal values share their mean rank
    if not ranks.any():  # all equal
        return float(n)
    correlation = (ranks[1:] * ranks[:-1]).sum() / (ranks * ranks).sum()
    correlation = min(max((correlation + 1 / n) / (1 - 4 / n), 0.0), 0.99)
    return max(1.0, n * (1 - correlation) / (1 + correlation))


def median_interval(medians: NDArray[np.float64]) -> tuple[float, float]:
    """Return the 95 % confidence interval of the median, never narrower than the repeats' medians differ.

    If the effective number of rounds is below six, it is their whole range.
    Shape: medians of the blocks (rounds, repeats) -> (low, high), in the unit of the medians.
    """
    rounds = np.sort(medians.mean(axis=1))
    n = len(rounds)
    half = Z95 / 2 / math.sqrt(effective_rounds(medians.mean(axis=1)))
    low = max(math.floor((n + 1) * (0.5 - half)), 1)
    high = min(math.ceil((n + 1) * (0.5 + half)), n)
    repeats = np.median(medians, axis=0)
    return float(min(rounds[low - 1], repeats.min())), float(max(rounds[high - 1], repeats.max()))


def p95_upper(samples: NDArray[np.float64]) -> float:
    """Return the upper end of the 95 % confidence interval of the 95th percentile of all single runs.

    The share of runs above the percentile is followed from round to round; its standard error says up to
    which higher percentile the truth may lie (Woodruff 1952). Never below a repeat's own percentile.
    Shape: samples (rounds, repeats, runs).
    """
    above = (samples > np.percentile(samples, 95)).mean(axis=(1, 2))
    error = above.std(ddof=1) / math.sqrt(effective_rounds(above)) if len(above) > 1 else 1.0
    by_repeat = np.percentile(samples.transpose(1, 0, 2).reshape(samples.shape[1], -1), 95, axis=1)
    return float(max(np.percentile(samples, min(100.0, 95 + 100 * Z95 * error)), by_repeat.max()))
