"""From the scores of a search to one architecture within the budget.

In small spaces every member is scored exactly; in large ones an integer programme over slots and linear limits is
solved.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np

from dcanas.basics.errors import UserError
from dcanas.costs import Budget, CostModel, Domain, LinearCost, count_costs
from dcanas.costs.feasibility import (
    SAMPLE,
    budget_error,
    conflicting,
    explain,
    feasibility,
    linear_limits,
    select_costs,
)
from dcanas.costs.linearise import linearise
from dcanas.costs.members import as_architecture, as_choices, member_choices
from dcanas.costs.milp import best_within
from dcanas.search.pool import Candidate, keeps, make_pool, sizes_of, total_scores, within
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
            the reasons of the selector.
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
            k slots of a group are used, scores of their `unused` option are ignored, as in the published rule: the k
            edges of a node with the strongest operations stay (Liu et al., ICLR 2019, section 2.4).
        input_shape: (C, H, W) of an image.
        costs: further cost models beside the counted ones (params, macs, peak_bytes, weight_bytes); the budget may
            limit any of them; one of the same name replaces the counted one. All refer to the final network.
        dtype: of the final network, "fp32" or "int8".
        pool_size: smallest number of feasible candidates that the selector chooses from.
        selector: chooses from a pool of candidates and returns its reasons; without one the largest total score
            decides (ties: the lower canonical index).
        seed: of the random candidates.
        skeleton: of the final network.

    Raises:
        BudgetError: no member is within the budget; it names the binding limit and the smallest feasible value.
        UserError: scores of another shape, or a cost outside its domain.
    """
    rows = checked_scores(space, scores)
    domain = Domain.of(space, input_shape, num_classes, **skeleton)
    for cost in costs:
        if cost.domain is not None:
            cost.domain.require(domain, cost.name)
    counted = count_costs(space, input_shape, num_classes, dtype, **skeleton)
    known = list({cost.name: cost for cost in [*counted, *costs]}.values())
    limited = select_costs(known, budget)
    choices, provenance = (_exact(space, budget, limited) if space.enumerable else
                           _by_programme(space, rows, budget, limited, known, pool_size if selector else 0, seed))
    if selector is None:
        arch, why = as_architecture(space, choices[np.argmax(total_scores(rows, choices))]), {"decided_by": "score"}
    else:
        pool = make_pool(space, rows, choices, pool_size, seed, sizes_of(known))
        provenance |= {"pool": len(pool)}
        arch, why = selector(pool)
    return Derived(arch, costs_of(arch, known), provenance | why)


def costs_of(arch: Architecture, costs: Sequence[CostModel]) -> dict[str, dict[str, Any]]:
    """Return `{value, upper, unit, source}` of each cost of an architecture, by name."""
    return {c.name: {"value": c.value(arch), "upper": c.upper(arch), "unit": c.unit, "source": c.source} for c in costs}


def checked_scores(space: Space, scores: Sequence[Sequence[float]]) -> list[np.ndarray]:
    """Return the scores as arrays, zero for the `unused` options of groups.

    Raises:
        UserError: a score is NaN, or the shapes are not those of the space.
    """
    rows = [np.asarray(row, dtype=float) for row in scores]
    expected = [len(slot.options) for slot in space.slots]
    if [row.shape for row in rows] != [(n,) for n in expected]:
        raise UserError(f"{space.name} needs one score per option, {expected} per slot, "
                        f"got shapes {[row.shape for row in rows]}.")
    if any(np.isnan(row).any() for row in rows):
        raise UserError("A score is NaN: the search that produced it diverged; derive needs numbers.")
    for group in space.groups:
        for i in group.slots:
            rows[i] = np.where([o == group.unused for o in space.slots[i].options], 0.0, rows[i])
    return rows


def _exact(space: Space, budget: Budget, limited: Sequence[CostModel]) -> tuple[np.ndarray, dict[str, Any]]:
    """Return all members within the budget."""
    choices = member_choices(space)
    feasible = choices[within(choices, limited, budget)]
    if not len(feasible):
        uppers = {cost.name: cost.uppers(choices) for cost in limited}
        raise budget_error(space.name, budget, *explain(uppers, budget), conflicting(uppers, budget))
    return feasible, {"method": "every member scored", "members": len(choices), "feasible": len(feasible)}


def _by_programme(space: Space, rows: list[np.ndarray], budget: Budget, limited: Sequence[CostModel],
                  known: Sequence[CostModel], size: int, seed: int) -> tuple[np.ndarray, dict[str, Any]]:
    """Return the best members within the budget by integer programmes, and others until there are `size` of them.

    Each answer is verified against the true costs and excluded before the next programme is solved.
    """
    linear = linear_limits(limited, budget)
    fits = {c.name: linearise(space, c) for c in limited if not isinstance(c, LinearCost)}
    slack = {name: deviation for name, (_, deviation) in fits.items()}
    found: list[Architecture] = []
    asked: list[Architecture] = []
    loosened = 0
    wanted = max(1, min(size, PROPOSALS))
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
    distinct = dict.fromkeys(found)
    if size:  # the largest members within the linear limits too, if they keep the other limits
        largest = [best_within(space, cost.table, linear) for cost in sizes_of(known) if isinstance(cost, LinearCost)]
        distinct |= dict.fromkeys(arch for arch in largest if arch is not None and space.is_member(arch)
                                  and keeps(arch, limited, budget))
    expanded: set[Architecture] = set()
    while len(distinct) < size and (fresh := [a for a in distinct if a not in expanded]):
        expanded.update(fresh)
        distinct |= dict.fromkeys(_near(space, rows, fresh, budget, limited, size))
    return as_choices(list(distinct)), provenance


def _near(space: Space, rows: list[np.ndarray], found: Sequence[Architecture], budget: Budget,
          limited: Sequence[CostModel], most: int) -> list[Architecture]:
    """Return the `most` neighbours within the budget that score best."""
    near = list(dict.fromkeys(n for arch in found for n in space.neighbours(arch)))
    if not near:
        return []
    choices = as_choices(near)
    choices = choices[within(choices, [cost for cost in limited if isinstance(cost, LinearCost)], budget)]
    others = [cost for cost in limited if not isinstance(cost, LinearCost)]  # dearer, so asked of the best first
    archs = (as_architecture(space, row) for row in choices[np.argsort(-total_scores(rows, choices), kind="stable")])
    return list(islice((arch for arch in archs if keeps(arch, others, budget)), most))


def _sampled(space: Space, rows: list[np.ndarray], budget: Budget, limited: Sequence[CostModel],
             seed: int) -> list[Architecture]:
    """Return the best feasible member of a random sample, or nothing."""
    rng = np.random.default_rng(seed)
    choices = as_choices([space.sample(rng) for _ in range(SAMPLE)])
    archs = (as_architecture(space, row) for row in choices[np.argsort(-total_scores(rows, choices), kind="stable")])
    return list(islice((arch for arch in archs if keeps(arch, limited, budget)), 1))
