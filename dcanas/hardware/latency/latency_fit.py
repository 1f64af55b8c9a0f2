"""A latency model of a space: a base and a price per feature, fitted to a few measured members."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from dcanas.basics.errors import UserError
from dcanas.hardware.latency.optimal_design import largest, least_certain

Array = NDArray[np.float64]


@dataclass(frozen=True)
class LatencyFit:
    """latency_ms = base + counts @ per_option, all at least 0.

    Attributes:
        base: in ms; per_option: prices in ms.
        relative_residual_q95: upper bound of truth / prediction - 1 for a member that was not fitted, in 95 of
            100 cases; from leave-one-out residuals, the largest of them for fewer than 19 members (n of n + 1 cases).
        loo_mape: mean relative error on members left out of the fit.
        macs_mape: that of an affine function of MACs alone; None if no MACs were given.
        n: number of measured members.
    """

    base: float
    per_option: tuple[float, ...]
    relative_residual_q95: float
    loo_mape: float
    macs_mape: float | None
    n: int


def fit_latency(counts: NDArray[Any], latencies_ms: NDArray[Any], macs: NDArray[Any] | None = None) -> LatencyFit:
    """Fit base and price per option by non-negative least squares on relative errors.

    Prices are at least 0, as an operation never makes a network faster; relative errors weigh small and large networks
    equally.

    Args:
        counts: how often each option occurs, or other features. Shape: (n, options).
        latencies_ms: measured, in ms. Shape: (n,).
        macs: for comparison. Shape: (n,).

    Raises:
        UserError: there are too few measurements, or one is not positive.
    """
    counts, latencies = np.asarray(counts, dtype=np.float64), np.asarray(latencies_ms, dtype=np.float64)
    n, options = counts.shape
    if n < options + 2:
        raise UserError(f"A latency model of {options} options needs at least {options + 2} measured "
                        f"networks, got {n}; measure more.")
    if not (np.isfinite(latencies).all() and (latencies > 0).all()):
        raise UserError("Latencies to fit must be positive numbers of milliseconds.")
    coefficients = _fit(counts, latencies)
    left_out = _left_out(counts, latencies)
    if not (left_out > 0).all():
        raise UserError("One of the measured networks has options that no other has, so nothing bounds the "
                        "error of the latency model; measure more networks.")
    residuals = np.sort(latencies / left_out - 1)
    rank = min(math.ceil(0.95 * (n + 1)), n)
    macs_mape = None
    if macs is not None:
        scaled = np.asarray(macs, dtype=np.float64)[:, None] / np.max(macs)
        macs_mape = _mape(_left_out(scaled, latencies), latencies)
    return LatencyFit(float(coefficients[0]), tuple(float(c) for c in coefficients[1:]),
                         max(0.0, float(residuals[rank - 1])), _mape(left_out, latencies), macs_mape, n)


def choose_members(counts: NDArray[Any], n: int, rng: np.random.Generator,
                   size: NDArray[Any] | None = None) -> list[int]:
    """Return which n members to measure: the smallest, the largest, and those that make the fit most certain.

    The first, two more than there are coefficients, form a greedy D-optimal design on (1, counts): the next member is
    the one with the least certain prediction so far, among counts that were not chosen yet. The design consists of
    extremes, which show little of a model's error, so the rest is drawn uniformly, like the members that are predicted
    later.

    Args:
        counts: features of all members. Shape: (members, options).
        n: number of members.
        size: decides which are the smallest and the largest; None: the sum of counts. Shape: (members,).

    Raises:
        UserError: n is below 2 or above the number of members.
    """
    counts = np.asarray(counts, dtype=np.float64)
    if not 2 <= n <= len(counts):
        raise UserError(f"The number of networks to measure must lie between 2 and {len(counts)}, got {n}.")
    size = counts.sum(axis=1) if size is None else np.asarray(size, dtype=np.float64)
    features = np.column_stack([np.ones(len(counts)), counts / np.maximum(counts.max(axis=0), 1)])
    free, new = np.ones(len(counts), dtype=bool), np.ones(len(counts), dtype=bool)
    information = 1e-6 * np.eye(features.shape[1])
    chosen: list[int] = []
    for step in range(min(n, features.shape[1] + 2)):
        among = free & new if (free & new).any() else free
        pick = largest(size if step else -size, among, rng) if step < 2 else \
            least_certain(features, information, among, rng)
        chosen.append(pick)
        free[pick] = False
        new &= (counts != counts[pick]).any(axis=1)
        information += np.outer(features[pick], features[pick])
    rest = rng.choice(np.flatnonzero(free), size=n - len(chosen), replace=False)
    return [*chosen, *(int(i) for i in rest)]


def _fit(features: Array, latencies: Array) -> Array:
    design = np.column_stack([np.ones(len(features)), features])
    return nnls(design / latencies[:, None], np.ones(len(features)))[0]


def _left_out(features: Array, latencies: Array) -> Array:
    """Return for each member the latency that the fit to all others predicts."""
    everyone = np.arange(len(latencies))
    predicted = []
    for i in everyone:
        coefficients = _fit(features[everyone != i], latencies[everyone != i])
        predicted.append(coefficients[0] + features[i] @ coefficients[1:])
    return np.array(predicted)


def _mape(predicted: Array, latencies: Array) -> float:
    return float(np.mean(np.abs(predicted / latencies - 1)))
