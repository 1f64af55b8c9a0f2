"""From the scores of a search to one architecture within the budget.

In small spaces every member is scored exactly; in large ones an integer programme over slots and linear limits is
solved.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dcanas.basics.errors import UserError
from dcanas.costs import Budget, CostModel, Domain, LinearCost, count_costs
from dcanas.costs.feasibility import SAMPLE, budget_error, conflicting, explain, feasibility, select_costs
from dcanas.costs.linearise import linearise
from dcanas.costs.members import as_architecture, member_choices
from dcanas.costs.milp import best_within
from dcanas.search.pool import Candidate, make_pool, sizes_of, total_scores
from dcanas.spaces import Architecture, Space

ROUNDS = 60  # integer programmes solved before a large space is given up
PROPOSALS = 10  # best codes asked of the integer programme for a pool: each excluded code makes the next slower
Selector = Callable[[list[Candidate]], tuple[Architecture, dict[str, Any]]]


@dataclass(frozen=True)
class Derived:
    """The architecture chosen, its costs and how it was chosen.

    Attributes:
        costs: by name `{value, upper, unit, source}`, all known costs, limited or not.
        provenance: `method`, `feasible` (members within the budget, if they were counted), `decided_by`, `pool` and
            whatever the selector noted.
    """

    architecture: Architecture
    costs: dict[str, dict[str, Any]]
    provenance: dict[str, Any] = field(default_factory=dict)


def derive(space: Space, scores: Sequence[Sequence[float]], budget: Budget,
           input_shape: Sequence[int] = (3, 32, 32), num_classes: int = 10, costs: Sequence[CostModel] = (), *,
           dtype: str = "fp32", pool_size: int = 100, selector: Selector | None = None, seed: int = 0,
           **skeleton: Any) -> Derived:
    """Return the best member whose upper cost bounds keep every limit of `budget`.

    Args:
        scores: per slot one number per option, larger is better (searches pass the log-softmax of alphas). If exactly
            k slots of a group are used, the scores of the unused ones mean nothing and are left out, as in the
            published rule: the k edges of a node with the strongest operations stay (Liu et al., ICLR 2019, section
            2.4).
        input_shape: (C, H, W) of an image.
        costs: further cost models beside the counted ones (params, macs, peak_bytes, weight_bytes); the budget may
            limit any of them; one of the same name replaces the counted one. All refer to the final network.
        dtype: of the final network, "fp32" or "int8".
        pool_size: least number of feasible candidates that the selector chooses from.
        selector: chooses among a pool of candidates and says why; without one the largest total score decides (ties:
            the lower canonical index).
        skeleton: of the final network.

    Raises `BudgetError` if nothing is within the budget, naming the limit that binds and the smallest feasible value;
    `UserError` for scores of another shape or a cost outside its domain.
    """
    rows = checked_scores(space, scores)
    domain = Domain.of(space, input_shape, num_classes, **skeleton)
    for cost in costs:
        if cost.domain is not None:
            cost.domain.require(domain, cost.name)
    counted = count_costs(space, input_shape, num_classes, dtype, **skeleton)
    known = list({cost.name: cost for cost in [*counted, *costs]}.values())
    limited = select_costs(known, budget)
    if space.enumerable:
        arch, provenance = _exact(space, rows, budget, limited, known, pool_size, selector, seed)
    else:
        arch, provenance = _by_programme(space, rows, budget, limited, known, pool_size, selector, seed)
    return Derived(arch, costs_of(arch, known), provenance)


def costs_of(arch: Architecture, costs: Sequence[CostModel]) -> dict[str, dict[str, Any]]:
    """Return `{value, upper, unit, source}` of each cost of an architecture, by name."""
    return {c.name: {"value": c.value(arch), "upper": c.upper(arch), "unit": c.unit, "source": c.source} for c in costs}


def checked_scores(space: Space, scores: Sequence[Sequence[float]]) -> list[np.ndarray]:
    """Return the scores as arrays, what unused slots of a group score left out; raises `UserError` (see `derive`)."""
    rows = [np.asarray(row, dtype=float) for row in scores]
    expected = [len(slot.options) for slot in space.slots]
    if [row.shape for row in rows] != [(n,) for n in expected]:
        raise UserError(f"{space.name} needs one score per option, {expected} per slot, "
                        f"got shapes {[row.shape for row in rows]}.")
    if any(np.isnan(row).any() for row in rows):
        raise UserError("A score is NaN: the search that made it diverged; derive needs numbers.")
    for group in space.groups:
        for i in group.slots:
            rows[i] = np.where([o == group.unused for o in space.slots[i].options], 0.0, rows[i])
    return rows


def _exact(space: Space, rows: list[np.ndarray], budget: Budget, limited: Sequence[CostModel],
           known: Sequence[CostModel], pool_size: int, selector: Selector | None,
           seed: int) -> tuple[Architecture, dict[str, Any]]:
    """Score every member."""
    choices = member_choices(space)
    uppers = {cost.name: cost.uppers(choices) for cost in limited}
    kept = np.ones(len(choices), dtype=bool)
    for name, values in uppers.items():
        kept &= budget.allows(name, values)
    if not kept.any():
        raise budget_error(space.name, budget, *explain(uppers, budget), conflicting(uppers, budget))
    feasible = choices[kept]
    provenance: dict[str, Any] = {"method": "every member scored", "members": len(choices), "feasible": len(feasible)}
    if selector is None:
        best = int(np.argmax(total_scores(rows, feasible)))
        return as_architecture(space, feasible[best]), provenance | {"decided_by": "score"}
    pool = make_pool(space, rows, feasible, pool_size, seed, sizes_of(known))
    arch, why = selector(pool)
    return arch, provenance | {"pool": len(pool)} | why


def _by_programme(space: Space, rows: list[np.ndarray], budget: Budget, limited: Sequence[CostModel],
                  known: Sequence[CostModel], pool_size: int, selector: Selector | None,
                  seed: int) -> tuple[Architecture, dict[str, Any]]:
    """Solve integer programmes; each answer is verified against the true costs, excluded, and the next one asked."""
    linear = [(c, budget[c.name] / (1 + c.relative_error)) for c in limited if isinstance(c, LinearCost)]
    fits = {c.name: linearise(space, c) for c in limited if not isinstance(c, LinearCost)}
    slack = {name: deviation for name, (_, deviation) in fits.items()}
    found: list[Architecture] = []
    asked: list[Architecture] = []
    loosened = 0
    wanted = 1 if selector is None else min(pool_size, PROPOSALS)
    while len(found) < wanted and len(asked) < ROUNDS + wanted:
        limits = linear + [(fit, budget[name] + slack[name]) for name, (fit, _) in fits.items()
                           if slack[name] < np.inf]
        code = best_within(space, rows, limits, asked)
        if code is None and any(value < np.inf for value in slack.values()):
            loosened += 1  # a fitted row may forbid what the true cost allows
            slack = {name: value + 2 * fits[name][1] if loosened < 4 else np.inf for name, value in slack.items()}
            continue
        if code is None:
            break
        asked.append(code)
        arch = code if space.is_dead(code) else space.prune(code)
        broken = [c.name for c in limited if not budget.allows(c.name, c.upper(arch))]
        for name in broken:
            if name in slack:
                slack[name] -= fits[name][1] / 2  # verification found the fitted row too generous
        if not broken and not space.is_dead(arch) and arch not in found:
            found.append(arch)
    provenance: dict[str, Any] = {"method": "integer programme", "programmes": len(asked)}
    if not found:
        found = _sampled(space, rows, budget, limited, seed)
        provenance["method"] = "best of a sample, no integer programme being left"
    if not found:
        answer = feasibility(space, known, budget, seed)
        answer.require()
        raise UserError(f"No member of {space.name} within the budget was found by {len(asked)} integer programmes and "
                        f"{SAMPLE:,} samples, though the budget is not proven infeasible: loosen the tightest limit.")
    if selector is None:
        return found[0], provenance | {"decided_by": "score"}
    largest = _largest(space, budget, limited, linear, sizes_of(known))
    distinct = dict.fromkeys([*found, *largest])
    expanded: set[Architecture] = set()
    while len(distinct) < pool_size and (fresh := [a for a in distinct if a not in expanded]):
        expanded.update(fresh)
        distinct |= dict.fromkeys(_near(space, rows, fresh, budget, limited, pool_size))
    choices = np.array([a.choices for a in distinct])
    pool = make_pool(space, rows, choices, pool_size, seed, sizes_of(known))
    arch, why = selector(pool)
    return arch, provenance | {"pool": len(pool)} | why


def _largest(space: Space, budget: Budget, limited: Sequence[CostModel], linear: Sequence[tuple[LinearCost, float]],
             sizes: Sequence[CostModel]) -> list[Architecture]:
    """Return the largest member within the linear limits by each size, where it keeps the other limits too."""
    found = [best_within(space, cost.table, linear) for cost in sizes if isinstance(cost, LinearCost)]
    return [arch for arch in found if arch is not None and space.is_member(arch)
            and all(budget.allows(c.name, c.upper(arch)) for c in limited)]


def _near(space: Space, rows: list[np.ndarray], found: Sequence[Architecture], budget: Budget,
          limited: Sequence[CostModel], most: int) -> list[Architecture]:
    """Return the `most` neighbours within the budget that score best."""
    near = list(dict.fromkeys(n for arch in found for n in space.neighbours(arch)))
    if not near:
        return []
    choices = np.array([n.choices for n in near])
    for cost in limited:
        if isinstance(cost, LinearCost):
            choices = choices[budget.allows(cost.name, cost.uppers(choices))]
    others = [cost for cost in limited if not isinstance(cost, LinearCost)]
    kept: list[Architecture] = []
    for row in choices[np.argsort(-total_scores(rows, choices), kind="stable")]:
        arch = as_architecture(space, row)
        if all(budget.allows(cost.name, cost.upper(arch)) for cost in others):
            kept.append(arch)
        if len(kept) == most:
            break
    return kept


def _sampled(space: Space, rows: list[np.ndarray], budget: Budget, limited: Sequence[CostModel],
             seed: int) -> list[Architecture]:
    """Return the best feasible member of a random sample, or nothing."""
    rng = np.random.default_rng(seed)
    choices = np.array([space.sample(rng).choices for _ in range(SAMPLE)])
    order = np.argsort(-total_scores(rows, choices), kind="stable")
    for arch in (as_architecture(space, choices[i]) for i in order):
        if all(budget.allows(c.name, c.upper(arch)) for c in limited):
            return [arch]
    return []
