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

CLOSER = (0.7, 0.5, 0.3, 0.3, 0.2, 0.2)  # chances of keeping the limit with which a better score is still measured
MOST = 13  # measurements in all, those from which the prices are learnt included
TRIES = 3  # picks at least, however many were measured before


def derive_verified(space: Space, scores: Sequence[Sequence[float]], budget: Budget, predictor: LatencyPredictor,
                    measure: Callable[[Architecture], float], *, input_shape: Sequence[int] = (3, 32, 32),
                    num_classes: int = 10, costs: Sequence[CostModel] = (), dtype: str = "fp32", pool_size: int = 100,
                    selector: Selector | None = None, seed: int = 0, source: str = "measured", most: int = MOST,
                    **skeleton: Any) -> tuple[Derived, LatencyPredictor]:
    """Return the best network that was measured within every limit, and the predictor with all measurements.

    `derive` picks under the predictor's bounds, see `measured_picks`. What was measured to learn the prices counts too.

    Args:
        measure: returns the latency of an architecture's exported network in ms.
        selector: chooses each pick from its pool, as for `derive`, and then among those that kept the limits, or if
            none did among all that were measured within them.
        source: of what `measure` returns, "measured" or "looked up".
        most: measurements in all, see `picks_allowed`.

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

    known_before = len(predictor.measured)
    picks, predictor = measured_picks(pick, predictor, budget, measure, most)
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
                  "asked": len(picks), "basis": predictor.basis, "stopped_by": (
                      "the number of measurements" if len(picks) == picks_allowed(known_before, most) else
                      "the bound: what scores better keeps the limit with less than a fifth of a chance"),
                  "picks": [{"architecture": space.format(a), predictor.name: predictor.measured[a]} for a in picks]}
    return Derived(arch, found, decided | provenance), predictor


def measured_picks(pick: Callable[[LatencyPredictor], Architecture | None], predictor: LatencyPredictor,
                   budget: Budget, measure: Callable[[Architecture], float], most: int = MOST
                   ) -> tuple[list[Architecture], LatencyPredictor]:
    """Measure what is picked; return the picks and the predictor with their measurements.

    The bound is the predictor's upper one until a measured network keeps the limit, then one nearer to the prediction
    and at last beyond it. It ends when no pick is new even then: what scores better is too likely to break the limit.

    Args:
        pick: returns the best network whose latency by this predictor's upper bound keeps the limit, or None.
        most: measurements in all, see `picks_allowed`.
    """
    picks: list[Architecture] = []
    bound, closer = UPPER, iter(CLOSER)
    allowed = picks_allowed(len(predictor.measured), most)
    while len(picks) < allowed:
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


def picks_allowed(measured: int, most: int = MOST) -> int:
    """Return how many picks may be measured after so many measurements, of `most` in all; three at least."""
    return max(TRIES, most - measured)


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
