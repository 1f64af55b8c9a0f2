"""DCA-NAS's look-up graph (arXiv 2307.04443): the limit to search under so that the derived network keeps another.

The relaxed supernet's expected cost and the cost of the network that is read off its alphas differ. Searches under a
few factors of the limits each give what is derived without any repair; a monotone curve through these points
(isotonic regression), inverted at the wanted limit, says how tight the search has to be. It stays for comparison with
`derive`, which keeps every limit exactly: five more searches end at no less regret (docs/results.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from sklearn.isotonic import IsotonicRegression

from dcanas.basics.errors import UserError
from dcanas.basics.files import read_json, write_json
from dcanas.costs import Budget, CostModel
from dcanas.spaces import Architecture

FACTORS = (0.4, 0.6, 0.8, 1.0, 1.2)
Point = dict[str, float]  # cost name -> cost of the derived network over its limit


def build(search_under: Callable[[float], Point], path: Path) -> dict[float, Point]:
    """Return what is derived after a search under the limits times each of `FACTORS`.

    Args:
        search_under: searches under the limits times a factor, and returns the derived network's costs over the limits.
        path: JSON file of the points; a point that it holds is not searched again.
    """
    found = {float(factor): point for factor, point in read_json(path).items()} if path.exists() else {}
    for factor in FACTORS:
        if factor not in found:
            found[factor] = search_under(factor)
            write_json(path, {str(f): found[f] for f in sorted(found)})
    return found


def tightened(graph: Mapping[float, Point], budget: Budget) -> Budget:
    """Return the limits to search under: per cost the largest factor whose derived network keeps the limit.

    Between the points the curve is linear. Raises `UserError` if even the tightest search breaks the limit.
    """
    factors = np.array(sorted(graph))
    limits: dict[str, float] = {}
    for name, limit in budget.items():
        derived = np.array([graph[factor][name] for factor in factors])
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


def over_limits(costs: Sequence[CostModel], budget: Budget, architecture: Architecture) -> Point:
    """Return the costs of a network divided by their limits."""
    return {cost.name: float(cost.value(architecture)) / budget[cost.name] for cost in costs}
