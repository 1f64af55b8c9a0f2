"""DCA-NAS's look-up graph (arXiv 2307.04443): the limit to search under so that the derived network keeps another.

The relaxed supernet's expected cost and the cost of the network read off its alphas differ. Searches under a few
factors of the limits, independent and so in parallel, each give what was derived without any repair; a monotone curve
through these points (isotonic regression), inverted at the wanted limit, says how tight the search has to be.
It is here to be compared with `derive`, which keeps every limit exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.isotonic import IsotonicRegression

from dcanas.basics.errors import UserError
from dcanas.basics.files import read_json, write_json
from dcanas.costs import Budget

FACTORS = (0.4, 0.6, 0.8, 1.0, 1.2)
Point = dict[str, float]  # cost name -> cost of the derived network over its limit


def build(search_under: Callable[[float], Point], path: Path, factors: Sequence[float] = FACTORS,
          workers: int = 1) -> dict[float, Point]:
    """Return {factor: what is derived} of searches under the limits times each factor, in parallel processes.

    search_under: a whole search, a function that can be sent to another process. path: where points are stored as they
    come; those that are there are not searched again.
    """
    found = {float(factor): point for factor, point in read_json(path).items()} if path.exists() else {}
    missing = [factor for factor in factors if factor not in found]

    def keep(factor: float, point: Point) -> None:
        found[factor] = point
        write_json(path, {str(f): found[f] for f in sorted(found)})

    if workers == 1:
        for factor in missing:
            keep(factor, search_under(factor))
    elif missing:
        with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
            for factor, point in zip(missing, pool.map(search_under, missing), strict=True):
                keep(factor, point)
    return {factor: found[factor] for factor in sorted(factors)}


def tightened(points: Mapping[float, Point], budget: Budget) -> Budget:
    """Return the limits to search under: per cost the largest factor whose derived network keeps the limit.

    Between the points the curve is linear. Raises `UserError` where even the tightest search derived too much.
    """
    factors = np.array(sorted(points))
    limits: dict[str, float] = {}
    for name, limit in budget.items():
        derived = np.array([points[factor][name] for factor in factors])
        curve = IsotonicRegression().fit_transform(factors, derived)
        if curve[0] > 1:
            raise UserError(f"The look-up graph does not reach {name}={limit:g}: searched under {factors[0]:g} of it "
                            f"the derived network still has {curve[0]:.2f} of it; use search.constraint=dual.")
        limits[name] = limit * _largest_within(factors, curve)
    return Budget(limits)


def _largest_within(factors: np.ndarray, curve: np.ndarray) -> float:
    """Return the largest factor at which the piecewise linear, rising curve is at most 1."""
    above = np.flatnonzero(curve > 1)
    if not len(above):
        return float(factors[-1])
    i = int(above[0])
    share = (1 - curve[i - 1]) / (curve[i] - curve[i - 1])
    return float(factors[i - 1] + share * (factors[i] - factors[i - 1]))


def over_limits(costs: Sequence[Any], budget: Budget, architecture: Any) -> Point:
    """Return what a network costs over each limit."""
    return {cost.name: float(cost.value(architecture)) / budget[cost.name] for cost in costs}
