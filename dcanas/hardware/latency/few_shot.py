"""Few-shot latency: known devices say what prices look like, a handful of measurements say which these are.

A device's latency, divided by its own mean, is base + features @ prices. The prices of the known devices give the mean
and the covariance of a normal distribution from which the new device's are drawn (its scale is left open); what their
tables leave unexplained says how large relative residuals are. Measurements turn that into a posterior in closed form;
the size of the residuals is averaged over a grid by its evidence. Networks to measure are chosen where the prediction
is least certain (greedy D-optimal design under the prior), and some by chance.

Beside the recipe this began with (five principal components of the known devices' log latencies and operation counts)
it is linear in the operations, so its expected cost is exact, and it ranks better: with components of the residuals
added it did no better when each known device was left out (mean Spearman 0.968 against 0.970, 10 networks).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from dcanas.hardware.latency.optimal_design import least_certain

Array = NDArray[np.float64]

INFLATE = 3.0  # of the prior covariance: nine devices do not show all there is (leave-one-device-out: 1, 3, 10, 30)
INDEPENDENT = 0.1  # share of each price's variance that is its own (0.03, 0.1, 0.5)
NOISE = np.geomspace(0.002, 0.3, 16)  # relative residuals that are considered
ITERATIONS = 5  # of the weights, which are relative to the prediction itself
RANDOM = 0.4  # share of the networks that are drawn by chance (0, 0.2, 0.3, 0.4: the last covers 90 % best)
LEAST = 0.05  # of the prior's mean: no prediction is below


@dataclass(frozen=True)
class Prior:
    """What is known before the new device is measured, over `n` networks. Shape: design (n, p), mean (p,).

    design: constant and features.
    typical: the mean of the prior's latencies, relative to a device's mean. noise, noise_spread: of the logarithm of
    relative residuals; devices: how many are known.
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
    """The new device after its measurements: ms = design @ weights, with relative residuals of size `noise`.

    weights, covariance are in milliseconds.
    """

    prior: Prior
    weights: Array
    covariance: Array
    noise: float

    def mean(self, design: Array | None = None) -> Array:
        """Return milliseconds. Shape: (n, p) -> (n,)."""
        rows = self.prior.design if design is None else design
        return rows @ self.weights

    def deviation(self, design: Array | None = None) -> Array:
        """Return the standard deviation of one measurement of each network, in milliseconds. Shape: as `mean`."""
        rows = self.prior.design if design is None else design
        return np.sqrt(np.einsum("ij,jk,ik->i", rows, self.covariance, rows) + (self.noise * self.mean(rows)) ** 2)

    def quantile(self, probability: float, design: Array | None = None) -> Array:
        """Return the value that a measurement stays below with this probability, in milliseconds."""
        return self.mean(design) + float(norm.ppf(probability)) * self.deviation(design)


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
    """Return the prior where no device is known: half the time in proportion to `work` (MACs), everything possible.

    Shape: features (n, f), work (n,).
    """
    base = np.column_stack([np.ones(len(features)), features])
    share = 0.5 + 0.5 * work / work.mean()
    mean = np.linalg.lstsq(base, share, rcond=None)[0]
    scale = np.maximum(1 / (1 + base.mean(axis=0)), np.abs(mean))
    return Prior(base, mean, np.diag(scale**2), np.maximum(base @ mean, LEAST), float(np.log(0.05)), 1.0, 0)


def choose(prior: Prior, n: int, rng: np.random.Generator) -> list[int]:
    """Return which `n` networks to measure.

    First, at most one more than there are prices, those where the prediction is least certain given those before. They
    are all extremes, where a model that is only nearly true shows little error; so at least 40 % are drawn uniformly:
    they are like the networks asked about later, and the size of the residuals is learnt from them.
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
    """Return the device after measurements. Shape: design (m, p), latencies_ms (m,), positive."""
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
    return Posterior(prior, weights * scale, covariance * scale**2, noise)


def _relative_fit(base: Array, latencies: Array) -> Array:
    weight = 1 / latencies
    return np.asarray(np.linalg.lstsq(base * weight[:, None], np.ones(len(latencies)), rcond=None)[0], float)
