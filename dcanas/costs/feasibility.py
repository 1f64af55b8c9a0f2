"""What a budget leaves of a space, before anything is trained."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from dcanas.basics.errors import BudgetError, UserError
from dcanas.costs.budget import Budget
from dcanas.costs.greedy_descent import greedy_descent, smallest
from dcanas.costs.linear import LinearCost
from dcanas.costs.members import member_choices
from dcanas.costs.milp import best_within
from dcanas.costs.model import CostModel
from dcanas.costs.units import cost_unit
from dcanas.spaces import Space

SAMPLE = 2_000  # members drawn from a space that is too large to be listed


@dataclass(frozen=True)
class CostRange:
    """Smallest, median and largest value of one cost over the members examined."""

    name: str
    unit: str
    source: str
    minimum: float
    median: float
    maximum: float


@dataclass(frozen=True)
class Feasibility:
    """Whether a budget can be met, and by which share of a space.

    Attributes:
        members: number of members examined; all of the space unless `sampled`.
        share: share of them within all limits at once.
        binding, smallest: if no architecture is feasible, the binding limits and the smallest achievable value of each
            limit (see `BudgetError`).
        conflict: two limits each of which some member keeps, but no member keeps both, if there are such.
        unmeasured: limits on costs that have not been measured, which this leaves out.
    """

    space: str
    members: int
    sampled: bool
    ranges: tuple[CostRange, ...]
    budget: dict[str, float]
    share: float
    feasible: bool
    binding: tuple[str, ...] = ()
    smallest: dict[str, float] | None = None
    conflict: tuple[str, ...] = ()
    unmeasured: tuple[str, ...] = ()

    def require(self) -> None:
        """Raise `BudgetError` if no architecture is within the budget."""
        if not self.feasible:
            raise budget_error(self.space, Budget(self.budget), self.binding, self.smallest or {}, self.conflict)


def select_costs(costs: Sequence[CostModel], budget: Budget) -> list[CostModel]:
    """Return the cost model of every limit, in the budget's order; raises `UserError` for one without a source."""
    by_name = {cost.name: cost for cost in costs}
    for name in budget:
        if name not in by_name:
            raise UserError(f"No source for {name} on this device: limits can be set on {', '.join(by_name)}; remove "
                            f"the limit, or use a device whose profile provides {name}.")
    return [by_name[name] for name in budget]


def feasibility(space: Space, costs: Sequence[CostModel], budget: Budget, seed: int = 0) -> Feasibility:
    """Return the ranges of all `costs` over the members of a space and the share of members within the budget.

    A limit is kept if the upper confidence bound of the cost keeps it. A space too large to be listed is sampled;
    whether anything is feasible there is decided by the integer programme or, if costs do not add up over slots, by
    greedy descent from random members.

    Args:
        space: the space.
        costs: all cost models; limits may be set on these.
        budget: the limits.
        seed: of the sample.

    Raises `UserError` for a limit without a cost model.
    """
    limited = select_costs(costs, budget)
    sampled = not space.enumerable
    choices = _members(space, seed)
    ranges = []
    for cost in costs:
        values = cost.values(choices)
        values = values[np.isfinite(values)]  # a table has none for networks that failed to compile
        ranges.append(CostRange(cost.name, cost.unit, cost.source, float(values.min()),
                                float(np.median(values)), float(values.max())))
    uppers = {cost.name: cost.uppers(choices) for cost in limited}
    kept = np.ones(len(choices), dtype=bool)
    for name, values in uppers.items():
        kept &= budget.allows(name, values)
    feasible = bool(kept.any())
    if not feasible and sampled:
        linear = linear_limits(limited, budget)
        if space.additive:
            nothing = [[0.0] * len(slot.options) for slot in space.slots]
            feasible = best_within(space, nothing, linear) is not None
        if not space.additive or (feasible and len(linear) < len(limited)):  # what is not found is not disproved
            feasible = greedy_descent(space, limited, budget, np.random.default_rng(seed)) is not None
    found = Feasibility(space.name, len(choices), sampled, tuple(ranges), dict(budget), float(kept.mean()), feasible)
    if feasible:
        return found
    if sampled:
        rng = np.random.default_rng(seed)
        ends = [smallest(space, cost, rng) for cost in limited if not (space.additive and isinstance(cost, LinearCost))]
        more = {cost.name: np.array([cost.upper(arch) for arch in ends]) for cost in limited}
        uppers = {name: np.concatenate([uppers[name], more[name]]) for name in uppers} if space.additive else more
    binding, least = explain(uppers, budget)
    if sampled and space.additive:
        least |= _exact_smallest(space, limited, budget)
    return replace(found, binding=binding, smallest=least, conflict=() if sampled else conflicting(uppers, budget))


def possible(space: Space, costs: Sequence[CostModel], budget: Budget, seed: int = 0) -> np.ndarray:
    """Return members whose predicted costs may be within every limit although their upper bounds are not.

    A cost is taken to lie as far below its prediction, as a factor, as its upper bound lies above.

    Args:
        space, costs, budget, seed: see `feasibility`.

    Returns:
        (n, slots), the one whose predictions are smallest beside the limits first.
    """
    choices, factor = _members(space, seed), np.zeros(1)
    kept = np.ones(len(choices), dtype=bool)
    for cost in select_costs(costs, budget):
        values = cost.values(choices)
        kept &= budget.allows(cost.name, values**2 / np.maximum(cost.uppers(choices), values))
        factor = np.maximum(factor, values / budget[cost.name])
    order = np.argsort(factor, kind="stable")
    return np.asarray(choices[order[kept[order]]])


def percentile(space: Space, cost: CostModel, percent: float, seed: int = 0) -> float:
    """Return the percentile of a cost over the members of a space, rounded down to a member's own value."""
    values = cost.values(_members(space, seed))
    return float(np.percentile(values[np.isfinite(values)], percent, method="lower"))


def _members(space: Space, seed: int) -> np.ndarray:
    if space.enumerable:
        return member_choices(space)
    rng = np.random.default_rng(seed)
    return np.array([space.sample(rng).choices for _ in range(SAMPLE)])


def explain(values: Mapping[str, np.ndarray], budget: Budget) -> tuple[tuple[str, ...], dict[str, float]]:
    """Return the binding limits and the smallest feasible value of each limit if no member is within the budget.

    The smallest feasible value of a limit is the least cost among members that keep all other limits or, if none does,
    among all members. Binding are the limits that no member keeps even alone; else the one that has to grow by the
    smallest factor; else (no single limit is to blame) all.

    Args:
        values: per limit the costs of the members (n,).
    """
    smallest, factor = {}, {}
    for name, column in values.items():
        others = np.ones(len(column), dtype=bool)
        for other, other_column in values.items():
            if other != name:
                others &= budget.allows(other, other_column)
        if others.any():
            factor[name] = float(column[others].min()) / budget[name]
        smallest[name] = float(column[others].min() if others.any() else column.min())
    alone = tuple(name for name, column in values.items() if column.min() > budget[name])
    if alone:
        return alone, smallest
    if factor:
        return (min(factor, key=lambda name: factor[name]),), smallest
    return tuple(values), smallest


def conflicting(values: Mapping[str, np.ndarray], budget: Budget) -> tuple[str, ...]:
    """Return the first two limits each of which some member keeps, but no member keeps both; () if there are none.

    Args:
        values: per limit the costs of the members (n,).
    """
    kept = {name: budget.allows(name, column) for name, column in values.items()}
    return next(((one, other) for one, other in itertools.combinations(kept, 2)
                 if kept[one].any() and kept[other].any() and not (kept[one] & kept[other]).any()), ())


def budget_error(space: str, budget: Budget, binding: Sequence[str], smallest: Mapping[str, float],
                 conflict: Sequence[str] = ()) -> BudgetError:
    """Return the error that names the limits that bind, the smallest feasible values and two limits that conflict."""
    limits = "; ".join(f"{name} <= {_amount(name, budget[name])} binds, its smallest feasible value is "
                     f"{_amount(name, smallest[name])}" for name in binding)
    others = " within the other limits" if len(budget) > 1 else ""
    pair = f"; {conflict[0]} and {conflict[1]} conflict, each can be kept without the other" if conflict else ""
    return BudgetError(f"Nothing in {space} is within the budget: {limits}{others}{pair}.", tuple(binding),
                       dict(smallest))


def _amount(name: str, value: float) -> str:
    unit = cost_unit(name)
    number = f"{value:,.0f}" if float(value).is_integer() else f"{value:,.6g}"
    return f"{number} {unit}".strip()


def linear_limits(limited: Sequence[CostModel], budget: Budget) -> list[tuple[LinearCost, float]]:
    """Return the linear costs, each with the limit on its value that keeps its upper bound within the budget."""
    return [(cost, budget[cost.name] / (1 + cost.relative_error)) for cost in limited if isinstance(cost, LinearCost)]


def _exact_smallest(space: Space, limited: Sequence[CostModel], budget: Budget) -> dict[str, float]:
    """Return the smallest feasible value of each linear cost under the other linear limits."""
    found = {}
    limits = linear_limits(limited, budget)
    for cost, _ in limits:
        cheap = [[-c for c in row] for row in cost.table]
        others = [(other, most) for other, most in limits if other is not cost]
        arch = best_within(space, cheap, others) or best_within(space, cheap, [])
        if arch is not None:
            found[cost.name] = cost.upper(arch)
    return found
