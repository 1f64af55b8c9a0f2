"""Few-shot latency: a prior over prices from known devices, and a posterior from a handful of measurements.

A device's latency, divided by its own mean, is base + features @ prices. The prices of the known devices give the mean
and the covariance of a normal distribution from which those of the new device are drawn (its scale is left open); the
residuals of their tables give the size of relative residuals. Measurements turn that into a posterior in closed form;
the size of the residuals is averaged over a grid by its evidence. Networks to measure are those whose prediction is
least certain (greedy D-optimal design under the prior), and some drawn by chance.

The model is linear in the operations, so its expected cost is exact. With principal components of the residuals added
it ranked no better when each known device was left out (mean Spearman 0.968 against 0.970, 10 networks).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from dcanas.hardware.latency.optimal_design import least_certain

Array = NDArray[np.float64]

INFLATE = 3.0  # of the prior covariance: nine devices do not show all variation (tried: 1, 3, 10, 30)
INDEPENDENT = 0.1  # share of each price's variance that is its own (tried: 0.03, 0.1, 0.5)
NOISE = np.geomspace(0.002, 0.3, 16)  # relative residuals that are considered
ITERATIONS = 5  # of the weights, which are relative to the prediction itself
RANDOM = 0.4  # share of the networks that are drawn by chance (of 0, 0.2, 0.3, 0.4 its 90 % intervals cover best)
LEAST = 0.05  # of the prior's mean: the lowest prediction


@dataclass(frozen=True)
class Prior:
    """What is known of a device before it is measured.

    Attributes:
        design: constant and features of n networks. Shape: (n, p).
        mean, covariance: of prices, relative to a device's mean latency. Shape: (p,), (p, p).
        typical: the mean latency of each network under the prior, relative to a device's mean. Shape: (n,).
        log_noise, noise_spread: mean and standard deviation of the logarithm of relative residuals.
        devices: how many are known.
    """

    design: Array
    mean: Array
    covariance: Array
    typical: Array
    log_noise: float
    noise_spread: float
    devices: int


@dataclass(frozen=True)
class Posterior:
    """A device after its measurements: ms = design @ weights, with relative residuals of size `noise`.

    Attributes:
        weights, covariance: of prices, in ms. Shape: (p,), (p, p).
        measurements: how many there are; the fewer, the wider the intervals.
    """

    prior: Prior
    weights: Array
    covariance: Array
    noise: float
    measurements: int

    def mean(self, design: Array | None = None) -> Array:
        """Return milliseconds. Shape: (n, p) -> (n,)."""
        rows = self.prior.design if design is None else design
        return rows @ self.weights

    def deviation(self, design: Array | None = None) -> Array:
        """Return the standard deviation of one measurement of each network, in milliseconds. Shape: as `mean`."""
        rows = self.prior.design if design is None else design
        return np.sqrt(np.einsum("ij,jk,ik->i", rows, self.covariance, rows) + (self.noise * self.mean(rows)) ** 2)

    def quantile(self, probability: float, design: Array | None = None) -> Array:
        """Return the value that a measurement stays below with this probability, in ms. Shape: as `mean`.

        Student's quantile, with as many degrees of freedom as measurements, for the size of the residuals is learnt
        from these alone.
        """
        return self.mean(design) + float(stdtrit(self.measurements, probability)) * self.deviation(design)


def prior_of_devices(features: Array, known_ms: Array) -> Prior:
    """Return the prior from known devices. Shape: features (n, f), known_ms (n, devices), all finite and positive."""
    relative = known_ms / known_ms.mean(axis=0)
    base = np.column_stack([np.ones(len(features)), features])
    prices = np.array([_relative_fit(base, column) for column in relative.T])
    mean = prices.mean(axis=0)
    spread = prices - mean
    covariance = spread.T @ spread / max(len(prices) - 1, 1)
    covariance = INFLATE * (covariance + INDEPENDENT * np.diag(np.diag(covariance) + 1e-6))
    typical = np.maximum(base @ mean, LEAST)
    fitted = base @ prices.T
    sizes = np.log(np.maximum(np.std(relative / np.maximum(fitted, LEAST) - 1, axis=0), NOISE[0]))
    spread_of_sizes = max(float(sizes.std(ddof=1)), 0.5) if len(sizes) > 1 else 1.0
    return Prior(base, mean, covariance, typical, float(sizes.mean()), spread_of_sizes, len(prices))


def prior_of_counts(features: Array, work: Array) -> Prior:
    """Return the wide prior without known devices: half of the time is in proportion to `work` (MACs).

    Shape: features (n, f), work (n,).
    """
    base = np.column_stack([np.ones(len(features)), features])
    share = 0.5 + 0.5 * work / work.mean()
    mean = np.linalg.lstsq(base, share, rcond=None)[0]
    scale = np.maximum(1 / (1 + base.mean(axis=0)), np.abs(mean))
    return Prior(base, mean, np.diag(scale**2), np.maximum(base @ mean, LEAST), float(np.log(0.05)), 1.0, 0)


def choose(prior: Prior, n: int, rng: np.random.Generator) -> list[int]:
    """Return which `n` networks to measure.

    The first, at most one more than there are prices, are those with the least certain prediction given those before.
    They are extremes, which show little of a model's error; so at least 40 % are drawn uniformly, like the networks
    that are predicted later: the size of the residuals is learnt from them.

    Args:
        prior: of the networks to choose from.
        n: number of networks, at least 3.

    Returns:
        Rows of `prior.design`.
    """
    rows = prior.design / prior.typical[:, None] / np.exp(prior.log_noise)
    information = np.linalg.inv(prior.covariance + 4 * np.outer(prior.mean, prior.mean))  # the device's scale is open
    free = np.ones(len(rows), dtype=bool)
    chosen: list[int] = []
    for _ in range(min(prior.design.shape[1] + 1, n - round(RANDOM * n))):
        pick = least_certain(rows, information, free, rng)
        chosen.append(pick)
        free[pick] = False
        information += np.outer(rows[pick], rows[pick])
    rest = rng.choice(np.flatnonzero(free), n - len(chosen), replace=False)
    return [*chosen, *(int(i) for i in rest)]


def posterior(prior: Prior, design: Array, latencies_ms: Array) -> Posterior:
    """Return the posterior after m measurements.

    Args:
        design: constant and features of the measured networks. Shape: (m, p).
        latencies_ms: measured, positive, in ms. Shape: (m,).
    """
    typical = np.maximum(design @ prior.mean, LEAST)
    scale = float(np.median(latencies_ms / typical))
    start = prior.covariance + np.outer(prior.mean, prior.mean)
    predicted = typical
    log_prior = -0.5 * ((np.log(NOISE) - prior.log_noise) / prior.noise_spread) ** 2
    for _ in range(ITERATIONS):
        weight = 1 / predicted
        rows = design * weight[:, None]
        surprise = latencies_ms / scale * weight - rows @ prior.mean
        sizes, axes = np.linalg.eigh(rows @ start @ rows.T)
        sizes, along = np.maximum(sizes, 0), axes.T @ surprise
        total = sizes + NOISE[:, None] ** 2
        evidence = log_prior - 0.5 * (np.log(total).sum(axis=1) + (along**2 / total).sum(axis=1))
        chance = np.exp(evidence - evidence.max())
        chance /= chance.sum()
        gain = start @ rows.T @ axes
        average = chance @ (1 / total)
        weights = prior.mean + gain @ (average * along)
        predicted = np.maximum(design @ weights, LEAST * typical)
    covariance = start - (gain * average) @ gain.T
    noise = float(chance @ NOISE)
    return Posterior(prior, weights * scale, covariance * scale**2, noise, len(latencies_ms))


def _relative_fit(base: Array, latencies: Array) -> Array:
    weight = 1 / latencies
    return np.asarray(np.linalg.lstsq(base * weight[:, None], np.ones(len(latencies)), rcond=None)[0], float)
