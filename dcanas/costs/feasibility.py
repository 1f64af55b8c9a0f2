"""What a budget leaves of a space, before anything is trained."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

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

SAMPLE = 2_000  # members drawn where a space is too large to be listed


@dataclass(frozen=True)
class CostRange:
    """Smallest, median and largest value of one cost over the members looked at."""

    name: str
    unit: str
    source: str
    minimum: float
    median: float
    maximum: float


@dataclass(frozen=True)
class Feasibility:
    """The answer to "can this budget be met, and by how much of the space?".

    Attributes:
        members: members looked at; every one of the space unless `sampled`.
        share: of those within all limits at once.
        binding, smallest: where nobody is, the limits that bind and the smallest feasible value per limit
            (see `BudgetError`); empty otherwise.
        conflict: two limits that members keep one by one and none keeps together, where there are such.
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

    def require(self) -> None:
        """Raise `BudgetError` where nothing is within the budget."""
        if not self.feasible:
            raise budget_error(self.space, Budget(self.budget), self.binding, self.smallest or {}, self.conflict)


def select_costs(costs: Sequence[CostModel], budget: Budget) -> list[CostModel]:
    """Return the cost model of every limit, in the budget's order; raises `UserError` for one without a source."""
    by_name = {cost.name: cost for cost in costs}
    for name in budget:
        if name not in by_name:
            raise UserError(f"Nothing here can tell {name}: limits may be set on {', '.join(by_name)}; "
                            "drop the limit or choose a device whose profile has a source for it.")
    return [by_name[name] for name in budget]


def feasibility(space: Space, costs: Sequence[CostModel], budget: Budget, seed: int = 0) -> Feasibility:
    """Return the ranges of all `costs` over the living members and the share of them within the budget.

    A limit is kept where the upper confidence bound of the cost keeps it. A space too large to be listed is
    sampled (`seed`); whether anything is feasible there is asked of the integer programme, or, where costs do not
    add up over slots, looked for by going down from random members.
    """
    limited = select_costs(costs, budget)
    sampled = not space.enumerable
    choices = _members(space, seed)
    ranges = []
    for cost in costs:
        values = _available(cost.values(choices))
        ranges.append(CostRange(cost.name, cost.unit, cost.source, float(values.min()),
                                float(np.median(values)), float(values.max())))
    uppers = {cost.name: cost.uppers(choices) for cost in limited}
    kept = np.ones(len(choices), dtype=bool)
    for name, values in uppers.items():
        kept &= budget.allows(name, values)
    feasible = bool(kept.any())
    binding: tuple[str, ...] = ()
    least: dict[str, float] | None = None
    conflict: tuple[str, ...] = ()
    if not feasible and sampled:
        feasible = _exists(space, limited, budget) if space.additive else _found(space, limited, budget, seed)
    if not feasible:
        binding, least = explain(uppers, budget)
        conflict = () if sampled else conflicting(uppers, budget)
        if sampled and space.additive:
            least |= _exact_smallest(space, limited, budget)
        elif sampled:
            binding, least = _descended(space, limited, budget, seed)
    return Feasibility(space.name, len(choices), sampled, tuple(ranges), dict(budget), float(kept.mean()),
                       feasible, binding, least, conflict)


def percentile(space: Space, cost: CostModel, percent: float, seed: int = 0) -> float:
    """Return the largest value of `cost` that at most `percent` per cent of the members stay at or below."""
    return float(np.percentile(_available(cost.values(_members(space, seed))), percent, method="lower"))


def _available(values: np.ndarray) -> np.ndarray:
    """Return the finite values: a table has none for networks that could not be compiled."""
    return values[np.isfinite(values)]


def _members(space: Space, seed: int) -> np.ndarray:
    if space.enumerable:
        return member_choices(space)
    rng = np.random.default_rng(seed)
    return np.array([space.sample(rng).choices for _ in range(SAMPLE)])


def explain(values: Mapping[str, np.ndarray], budget: Budget) -> tuple[tuple[str, ...], dict[str, float]]:
    """Return (limits that bind, smallest feasible value per limit) where no member is within the budget.

    The smallest feasible value of a limit is the least cost among members that keep all the other limits; where
    those alone admit nobody, the least in the space. Binding are the limits that nobody keeps even alone; else the one
    whose limit has to grow by the smallest factor; else (no single limit is to blame) all.
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
    """Return the first two limits that members keep one by one and none keeps together, or nothing."""
    kept = {name: budget.allows(name, column) for name, column in values.items()}
    return next(((one, other) for one, other in itertools.combinations(kept, 2)
                 if kept[one].any() and kept[other].any() and not (kept[one] & kept[other]).any()), ())


def budget_error(space: str, budget: Budget, binding: Sequence[str], smallest: Mapping[str, float],
                 conflict: Sequence[str] = ()) -> BudgetError:
    """Return the error that names the limits that bind, the smallest feasible values and two limits that conflict."""
    told = "; ".join(f"{name} <= {_amount(name, budget[name])} binds, its smallest feasible value is "
                     f"{_amount(name, smallest[name])}" for name in binding)
    others = " within the other limits" if len(budget) > 1 else ""
    pair = f"; {conflict[0]} and {conflict[1]} conflict, each can be kept without the other" if conflict else ""
    return BudgetError(f"Nothing in {space} is within the budget: {told}{others}{pair}.", tuple(binding),
                       dict(smallest))


def _amount(name: str, value: float) -> str:
    unit = cost_unit(name)
    number = f"{value:,.0f}" if float(value).is_integer() else f"{value:,.6g}"
    return f"{number} {unit}".strip()


def _linear_limits(limited: Sequence[CostModel], budget: Budget) -> list[tuple[LinearCost, float]]:
    return [(cost, budget[cost.name] / (1 + cost.relative_error)) for cost in limited if isinstance(cost, LinearCost)]


def _exists(space: Space, limited: Sequence[CostModel], budget: Budget) -> bool:
    """True where the linear limits alone leave somebody (other costs: not proven infeasible)."""
    nothing = [[0.0] * len(slot.options) for slot in space.slots]
    return best_within(space, nothing, _linear_limits(limited, budget)) is not None


def _found(space: Space, limited: Sequence[CostModel], budget: Budget, seed: int) -> bool:
    """True where going down from random members reaches one within all limits (else: not found, not disproved)."""
    return greedy_descent(space, limited, budget, np.random.default_rng(seed)) is not None


def _descended(space: Space, limited: Sequence[CostModel], budget: Budget,
               seed: int) -> tuple[tuple[str, ...], dict[str, float]]:
    """Return what `explain` says of the smallest members by each limited cost that going down reaches."""
    rng = np.random.default_rng(seed)
    ends = [smallest(space, cost, rng) for cost in limited]
    return explain({cost.name: np.array([cost.upper(arch) for arch in ends]) for cost in limited}, budget)


def _exact_smallest(space: Space, limited: Sequence[CostModel], budget: Budget) -> dict[str, float]:
    """Return the smallest feasible value of each linear cost under the other linear limits."""
    found = {}
    limits = _linear_limits(limited, budget)
    for cost, _ in limits:
        cheap = [[-c for c in row] for row in cost.table]
        others = [(other, most) for other, most in limits if other is not cost]
        arch = best_within(space, cheap, others) or best_within(space, cheap, [])
        if arch is not None:
            found[cost.name] = cost.upper(arch)
    return found
