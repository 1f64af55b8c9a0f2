"""Derive under a predicted latency, and keep the promise: what is delivered was measured within the limit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dcanas.basics.errors import BudgetError
from dcanas.costs import Budget, CostModel, count_costs
from dcanas.costs.feasibility import budget_error, explain, select_costs
from dcanas.costs.members import as_architecture, as_choices
from dcanas.hardware.latency.predictor import UPPER, LatencyPredictor
from dcanas.search.derive import Derived, Selector, checked_scores, costs_of, derive
from dcanas.search.pool import Candidate, total_scores, within
from dcanas.spaces import Architecture, Space

CLOSER = (0.7, 0.5)  # bounds for what is measured once the limit is known to be kept: nearer to it, for a better score
TRIES = 3


def derive_verified(space: Space, scores: Sequence[Sequence[float]], budget: Budget, predictor: LatencyPredictor,
                    measure: Callable[[Architecture], float], *, input_shape: Sequence[int] = (3, 32, 32),
                    num_classes: int = 10, costs: Sequence[CostModel] = (), dtype: str = "fp32", pool_size: int = 100,
                    selector: Selector | None = None, seed: int = 0, source: str = "measured",
                    **skeleton: Any) -> tuple[Derived, LatencyPredictor]:
    """Return the best network that was measured within every limit, and the predictor with all measurements.

    `derive` picks under the predictor's bounds, see `measured_picks`. What was measured to learn the prices counts too.

    Args:
        measure: returns the latency of an architecture's exported network in ms.
        selector: chooses each pick from its pool, as for `derive`, and then among those that kept the limits, or if
            none did among all that were measured within them.
        source: of what `measure` returns, "measured" or "looked up".

    All other arguments: see `derive`. Raises `BudgetError` if no measured network keeps the limits.
    """
    known = {c.name: c for c in [*count_costs(space, input_shape, num_classes, dtype, **skeleton), *costs,
                                 predictor]}
    select_costs(list(known.values()), budget)
    why: dict[Architecture, dict[str, Any]] = {}  # how each pick was decided

    def pick(bound: LatencyPredictor) -> Architecture | None:
        try:
            found = derive(space, scores, budget, input_shape, num_classes, [*costs, bound], dtype=dtype,
                           pool_size=pool_size, selector=selector, seed=seed, **skeleton)
        except BudgetError:
            return None
        why.setdefault(found.architecture, found.provenance)
        return found.architecture

    picks, predictor = measured_picks(pick, predictor, budget, measure)
    known[predictor.name] = predictor
    measured = as_choices(list(predictor.measured))
    feasible = measured[within(measured, select_costs(list(known.values()), budget), budget)]
    if not len(feasible):
        uppers = {name: known[name].uppers(measured) for name in budget}
        raise budget_error(f"what was measured of {space.name}", budget, *explain(uppers, budget))
    arch, decided = _best(space, feasible, total_scores(checked_scores(space, scores), feasible), why, selector)
    found = costs_of(arch, list(known.values()))
    found[predictor.name] |= {"value": predictor.measured[arch], "source": source}
    provenance = {"method": "picked under the upper bound, measured, picked again", "measured": len(predictor.measured),
                  "asked": len(picks), "basis": predictor.basis,
                  "picks": [{"architecture": space.format(a), predictor.name: predictor.measured[a]} for a in picks]}
    return Derived(arch, found, decided | provenance), predictor


def measured_picks(pick: Callable[[LatencyPredictor], Architecture | None], predictor: LatencyPredictor,
                   budget: Budget, measure: Callable[[Architecture], float]
                   ) -> tuple[list[Architecture], LatencyPredictor]:
    """Measure what is picked, at most three times; return the picks and the predictor with their measurements.

    The bound is the predictor's upper one until a measured network keeps the limit, then one nearer to the prediction.

    Args:
        pick: returns the best network whose latency by this predictor's upper bound keeps the limit, or None.
    """
    picks: list[Architecture] = []
    bound, closer = UPPER, iter(CLOSER)
    while len(picks) < TRIES:
        arch = pick(predictor.at(bound))
        new = arch is not None and arch not in predictor.measured
        if arch is not None and new:
            predictor = predictor.add({arch: measure(arch)})
            picks.append(arch)
        if not new or any(budget.allows(predictor.name, ms) for ms in predictor.measured.values()):
            following = next(closer, None)
            if following is None:
                break
            bound = following
    return picks, predictor


def _best(space: Space, choices: np.ndarray, totals: np.ndarray, why: dict[Architecture, dict[str, Any]],
          selector: Selector | None) -> tuple[Architecture, dict[str, Any]]:
    """Return which of the networks measured within the limits is delivered, and how that was decided."""
    pool = [Candidate(as_architecture(space, row), float(total), "measured")
            for row, total in zip(choices, totals, strict=True)]
    if selector is None:
        return max(pool, key=lambda c: c.score).architecture, {"decided_by": "score"}
    selected = [c for c in pool if c.architecture in why]
    if len(selected) == 1:
        return selected[0].architecture, why[selected[0].architecture]
    arch, reasons = selector(selected or pool)
    return arch, why.get(arch, {}) | reasons
