"""Derive under a predicted latency, and keep the promise: what is delivered was measured within the limit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dcanas.basics.errors import BudgetError, UserError
from dcanas.costs import Budget, CostModel, count_costs
from dcanas.costs.feasibility import budget_error, explain, select_costs
from dcanas.costs.members import as_architecture, as_choices, member_choices
from dcanas.hardware.latency.predictor import UPPER, LatencyPredictor
from dcanas.search.derive import Derived, Selector, checked_scores, costs_of, derive
from dcanas.search.pool import Candidate, total_scores, within
from dcanas.spaces import Architecture, Space

CLOSER = (0.7, 0.5)  # bounds for what is measured once the limit is known to be kept: nearer to it, for a better score
TRIES = 3


def derive_verified(space: Space, scores: Sequence[Sequence[float]] | np.ndarray, budget: Budget,
                    predictor: LatencyPredictor, measure: Callable[[Architecture], float], *, tries: int = TRIES,
                    input_shape: Sequence[int] = (3, 32, 32), num_classes: int = 10, costs: Sequence[CostModel] = (),
                    dtype: str = "fp32", pool_size: int = 100, selector: Selector | None = None, seed: int = 0,
                    source: str = "measured", **skeleton: Any) -> tuple[Derived, LatencyPredictor]:
    """Return the best network that was measured within every limit, and the predictor with all measurements.

    `derive` picks under the predictor's upper bound; the pick is measured (ms) and added, and the next one picked, at
    most `tries` times: under the same bound until one keeps the limit, then under bounds nearer to the prediction. What
    was measured to learn the prices counts too.

    Args:
        scores: as for `derive`; or, in a space that can be listed, one number per member in canonical order (members,).
        measure: returns the latency of an architecture's exported network in ms.
        tries: largest number of picks.
        selector: chooses each pick from its pool, as for `derive`, and then among those that kept the limits, or if
            none did among all that were measured within them.
        source: of what `measure` returns, "measured" or "looked up".

    All other arguments: see `derive`. Raises `BudgetError` if no measured network keeps the limits.
    """
    known = {c.name: c for c in [*count_costs(space, input_shape, num_classes, dtype, **skeleton), *costs,
                                 predictor]}
    select_costs(list(known.values()), budget)
    by_member = isinstance(scores, np.ndarray) and scores.ndim == 1
    if by_member and (not space.enumerable or len(scores) != len(member_choices(space))):
        raise UserError(f"{space.name} needs one score per member, got {len(scores)}.")

    def kept(choices: np.ndarray, bound: LatencyPredictor) -> np.ndarray:
        return within(choices, select_costs([*known.values(), bound], budget), budget)

    rows = [] if by_member else checked_scores(space, list(scores))
    why: dict[Architecture, dict[str, Any]] = {}  # how each pick was decided

    def picked(bound: LatencyPredictor) -> Architecture | None:
        if by_member:
            feasible = kept(member_choices(space), bound)
            best = int(np.argmax(np.where(feasible, scores, -np.inf)))
            return as_architecture(space, member_choices(space)[best]) if feasible.any() else None
        try:
            found = derive(space, list(scores), budget, input_shape, num_classes, [*costs, bound], dtype=dtype,
                           pool_size=pool_size, selector=selector, seed=seed, **skeleton)
        except BudgetError:
            return None
        why.setdefault(found.architecture, found.provenance)
        return found.architecture

    picks: list[Architecture] = []
    bound, closer = UPPER, iter(CLOSER)
    while len(picks) < tries:
        arch = picked(predictor.at(bound))
        new = arch is not None and arch not in predictor.measured
        if arch is not None and new:
            predictor = predictor.add({arch: measure(arch)})
            picks.append(arch)
        if not new or any(budget.allows(predictor.name, ms) for ms in predictor.measured.values()):
            following = next(closer, None)
            if following is None:
                break
            bound = following
    known[predictor.name] = predictor
    measured = as_choices(list(predictor.measured))
    feasible = kept(measured, predictor)
    if not feasible.any():
        uppers = {name: known[name].uppers(measured) for name in budget}
        raise budget_error(f"what was measured of {space.name}", budget, *explain(uppers, budget))
    if by_member:
        index = {tuple(row): i for i, row in enumerate(member_choices(space).tolist())}
        totals = np.array([scores[index[tuple(row)]] for row in measured.tolist()])
    else:
        totals = total_scores(rows, measured)
    arch, decided = _best(space, measured[feasible], totals[feasible], why, selector)
    found = costs_of(arch, list(known.values()))
    found[predictor.name] |= {"value": predictor.measured[arch], "source": source}
    provenance = {"method": "picked under the upper bound, measured, picked again", "measured": len(predictor.measured),
                  "asked": len(picks), "basis": predictor.basis,
                  "picks": [{"architecture": space.format(a), predictor.name: predictor.measured[a]} for a in picks]}
    return Derived(arch, found, decided | provenance), predictor


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
