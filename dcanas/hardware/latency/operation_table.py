"""A table of what one more operation costs on a device, and what it says about whole networks.

latency = base + scale x (sum of the operations' rows) + per_step x (executed steps), all three at least 0 and fitted in
log space to a few whole networks: rows are measured on small files, where caches are warmer than in a network.
Where the space's operations add up over slots, so does this: it is a linear cost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from dcanas.basics.errors import UserError
from dcanas.costs import CostModel, Domain, LinearCost
from dcanas.costs.linearise import linearise
from dcanas.hardware.latency.block_operations import BlockSum
from dcanas.hardware.latency.latency_fit import FittedLatency, fit_counts, fit_log
from dcanas.hardware.latency.operations import missing_rows, operations_of
from dcanas.hardware.latency.plan_latency import PlanLatency, plan_features
from dcanas.spaces import Architecture, Space

COSTS = ("latency_ms", "latency_p95_ms")
SCALES = (0.1, 10.0)  # of the rows against whole networks: outside, one of them is in another unit
MACS_PER_MS = (1e3, 1e9)  # of whole networks: what any device that runs one image at a time does in a millisecond


@dataclass(frozen=True)
class Measured:
    """A whole network, measured as it would be delivered."""

    architecture: str
    latency_ms: float
    latency_p95_ms: float
    noisy: bool = False


@dataclass(frozen=True)
class OperationTable:
    """rows: milliseconds of each operation by its text (see `Operation`). noisy: rows that could not be repeated.

    fitted: networks that calibrate the rows; left_out: networks that only tell the error.
    conditions: protocol, threads, runtime, version ... that all of it was measured under.
    """

    device: str
    domain: Domain
    conditions: Mapping[str, Any] = field(hash=False)
    rows: Mapping[str, float] = field(hash=False)
    noisy: tuple[str, ...]
    fitted: tuple[Measured, ...]
    left_out: tuple[Measured, ...]


@dataclass(frozen=True)
class Quality:
    """Of predictions for networks that were not fitted to: rank correlation and mean relative error, beside those of
    an affine function of MACs fitted to the same networks."""

    n: int
    spearman: float
    mape: float
    macs_spearman: float
    macs_mape: float


def table_costs(space: Space, table: OperationTable) -> tuple[dict[str, CostModel], dict[str, FittedLatency]]:
    """Return per latency the cost of the space's networks, and what its fit is worth.

    The upper bound covers the residuals left out while fitting and those of the networks that were never fitted to.
    Raises `UserError` for rows that are missing or values that look like another unit.
    """
    sums, steps = _parts(space, table)
    archs = [space.parse(m.architecture) for m in table.fitted]
    tests = [space.parse(m.architecture) for m in table.left_out]
    features = _features(sums, steps, archs)
    macs = _macs(space, table.domain, archs)
    _plausible(table, macs)
    costs: dict[str, CostModel] = {}
    fits = {}
    for name in COSTS:
        fit = fit_counts(features, np.array([getattr(m, name) for m in table.fitted]), macs, fit_log)
        if name == "latency_ms" and not SCALES[0] <= fit.per_option[0] <= SCALES[1] and fit.per_option[0] > 0:
            raise UserError(f"The operations of the table for {table.domain.space} on {table.device} would have to "
                            f"count {fit.per_option[0]:.3g} times to explain its networks: their latency_ms look like "
                            f"{'seconds' if fit.per_option[0] > 1 else 'microseconds'}; convert them or measure again.")
        truths = np.array([getattr(m, name) for m in table.left_out])
        error = fit.relative_residual_q95
        if len(truths):
            error = max(error, float(np.max(truths / fit.predict(_features(sums, steps, tests)) - 1)))
        costs[name] = _combined(space, table.domain, name, fit, sums, steps, error)
        fits[name] = fit
    return costs, fits


def quality(space: Space, table: OperationTable, left_out: Sequence[Measured] | None = None) -> Quality | None:
    """Return how well `latency_ms` is predicted for networks that were not fitted to (default: the table's own)."""
    tests = table.left_out if left_out is None else left_out
    if len(tests) < 3:
        return None
    archs, trained = ([space.parse(m.architecture) for m in group] for group in (tests, table.fitted))
    truth, known = (np.array([m.latency_ms for m in group]) for group in (tests, table.fitted))
    predicted = table_costs(space, table)[0]["latency_ms"].values(np.array([a.choices for a in archs]))
    macs = _macs(space, table.domain, [*trained, *archs])[:, None]
    line = fit_log(macs[:len(trained)] / macs.max(), known)
    affine = line[0] + macs[len(trained):, 0] / macs.max() * line[1]
    return Quality(len(tests), _rank(predicted, truth), _error(predicted, truth), _rank(affine, truth),
                   _error(affine, truth))


def summed_rows(space: Space, domain: Domain, rows: Mapping[str, float]) -> LinearCost:
    """Return the sum of the rows of a network's operations; raises `UserError` where one is missing."""
    places = operations_of(space, domain.input_shape, domain.num_classes, **dict(domain.skeleton))
    missing = dict.fromkeys(op.text for slot in places for option in slot for op in option if op.text not in rows)
    if missing:
        raise missing_rows(list(missing))
    table = tuple(tuple(sum(rows[op.text] for op in option) for option in slot) for slot in places)
    return LinearCost(0.0, table, "operations", "ms", "measured", domain)


def _parts(space: Space, table: OperationTable) -> tuple[CostModel, CostModel]:
    """Return the sum of rows and the number of steps of a network, as costs."""
    counted = PlanLatency(space, table.domain, "steps", 0.0, (0.0, 1.0), 0.0)
    if not space.additive:
        return BlockSum(space, table.domain, table.rows), counted
    return summed_rows(space, table.domain, table.rows), _linear_steps(space, table.domain)


@lru_cache(maxsize=8)
def _linear_steps(space: Space, domain: Domain) -> LinearCost:
    return linearise(space, PlanLatency(space, domain, "steps", 0.0, (0.0, 1.0), 0.0))[0]


def _features(sums: CostModel, steps: CostModel, archs: Sequence[Architecture]) -> np.ndarray:
    choices = np.array([a.choices for a in archs])
    return np.column_stack([sums.values(choices), steps.values(choices)])


def _macs(space: Space, domain: Domain, archs: Sequence[Architecture]) -> np.ndarray:
    return np.array([1e6 * plan_features(space, arch, domain)[0] for arch in archs])


def _combined(space: Space, domain: Domain, name: str, fit: FittedLatency, sums: CostModel, steps: CostModel,
              error: float) -> CostModel:
    scale, per_step = fit.per_option
    if isinstance(sums, BlockSum):
        return BlockSum(space, domain, sums.rows, fit.base, scale, per_step, name, error)
    assert isinstance(sums, LinearCost)
    assert isinstance(steps, LinearCost)
    rows = tuple(tuple(scale * a + per_step * b for a, b in zip(*pair, strict=True))
                 for pair in zip(sums.table, steps.table, strict=True))
    return LinearCost(fit.base + per_step * steps.base, rows, name, "ms", "predicted", domain, error)


def _plausible(table: OperationTable, macs: np.ndarray) -> None:
    speed = float(np.median(macs / np.array([m.latency_ms for m in table.fitted])))
    if not MACS_PER_MS[0] <= speed <= MACS_PER_MS[1]:
        raise UserError(f"The networks of the table for {table.domain.space} on {table.device} would do {speed:.3g} "
                        f"multiply-accumulates in a millisecond: their latency_ms look like "
                        f"{'seconds' if speed > 1e6 else 'micro- or nanoseconds'}; convert them or measure again.")


def _rank(predicted: np.ndarray, truth: np.ndarray) -> float:
    return float(spearmanr(predicted, truth).statistic)


def _error(predicted: np.ndarray, truth: np.ndarray) -> float:
    return float(np.mean(np.abs(predicted / truth - 1)))
