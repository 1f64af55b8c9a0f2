"""A constrained search on published tables: what a baseline of the benchmark may see, and what it may ask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from dcanas.basics.errors import UserError
from dcanas.costs import Budget, CostModel, TabularCost, linear_counts
from dcanas.costs.members import as_architecture, member_choices
from dcanas.hardware.latency.published_tables import HW_NAS_BENCH, load_tables
from dcanas.hardware.latency.table_files import read_columns, read_rows, tables_folder
from dcanas.proxies.rank_aggregation import oriented
from dcanas.spaces import Architecture, Space, load_space

PROXIES = ("params", "flops", "l2_norm", "synflow", "nwot", "snip", "grad_norm", "fisher", "jacov", "epe_nas", "grasp",
           "plain", "zen")
FAILED = 1e8  # as the table of scores writes what does not exist, but for its sign


@dataclass
class Problem:
    """One budget over NAS-Bench-201 on CIFAR-10.

    Attributes:
        choices: the members, in canonical order. Shape: (members, slots).
        feasible: which of them keep every limit. Shape: (members,).
        scores: published training-free scores, larger is better, NaN if there is none; name -> (members,).
        sizes: exact `params` and `macs`; name -> (members,).
        trainings: members whose validation accuracy was asked for, in order.
    """

    space: Space
    budget: Budget
    costs: list[CostModel]
    choices: np.ndarray
    scores: dict[str, np.ndarray]
    sizes: dict[str, np.ndarray]
    accuracies: TabularCost = field(repr=False)
    trainings: dict[int, float] = field(default_factory=dict)

    @cached_property
    def feasible(self) -> np.ndarray:
        """Which members keep every limit. Shape: (members,) bool."""
        kept = np.ones(len(self.choices), dtype=bool)
        for cost in self.costs:
            kept &= self.budget.allows(cost.name, cost.uppers(self.choices))
        return kept

    @cached_property
    def index(self) -> dict[tuple[int, ...], int]:
        """The position of a member by its choices."""
        return {tuple(row): i for i, row in enumerate(self.choices.tolist())}

    def train(self, member: int) -> float:
        """Return a member's validation accuracy in percent, of one published training: counted, as it costs hours."""
        if member not in self.trainings:
            self.trainings[member] = self.accuracies.value(self.architecture(member))
        return self.trainings[member]

    def expected_accuracy(self, probabilities: Sequence[Any]) -> Any:
        """Return the expected validation accuracy in percent under independent slots; differentiable.

        Every published number enters, so this stands for training the whole space.
        """
        return self.accuracies.expected(probabilities)

    def architecture(self, member: int) -> Architecture:
        """Return a member by its index."""
        return as_architecture(self.space, self.choices[member])


def make_problem(limits: str) -> Problem:
    """Return the problem of limits such as "edgegpu.latency_ms:p25+params:400000".

    A limit is a number in the cost's unit or p1 to p99, the percentile over all published codes (of a device's table
    those that have a number). Raises `UserError` for a cost or limit that does not exist and if nothing is feasible.
    """
    tables = _tables()
    found: dict[str, float] = {}
    for text in limits.split("+"):
        name, colon, limit = text.strip().partition(":")
        if not colon or name not in tables.published:
            known = ", ".join(tables.published)
            raise UserError(f"A limit is COST:NUMBER or COST:p1 to COST:p99 with a cost among {known}; got {text!r}.")
        try:
            found[name] = (float(np.percentile(tables.published[name], float(limit[1:]))) if limit.startswith("p")
                           else float(limit))
        except ValueError as error:
            raise UserError(f"The limit in {text!r} must be a number or a percentile p1 to p99.") from error
    problem = replace(tables.problem, budget=Budget(found), costs=[tables.costs[name] for name in found], trainings={})
    if not problem.feasible.any():
        raise UserError(f"Nothing in {problem.space.name} is within {limits}; loosen a limit.")
    return problem


def test_accuracies() -> np.ndarray:
    """Return the published test accuracies in percent, which no baseline may see. Shape: (members,)."""
    return _tables().test


@dataclass(frozen=True)
class _Tables:
    problem: Problem
    costs: dict[str, CostModel]
    published: dict[str, np.ndarray]
    test: np.ndarray


@lru_cache(maxsize=1)
def _tables() -> _Tables:
    space, folder = load_space("nasbench201"), tables_folder()
    codes = list(space.enumerate())
    texts, every = [space.format(arch) for arch in codes], np.array([arch.choices for arch in codes])
    choices = member_choices(space)
    linear = linear_counts(space, (3, 32, 32), 10, channels=16, cells=5)
    costs: dict[str, CostModel] = {name: linear[name] for name in ("params", "macs")}
    published = {name: cost.values(every) for name, cost in costs.items()}
    raw = read_rows(folder / "hw_nas_bench_cifar10.csv.gz", list(HW_NAS_BENCH), texts)
    looked_up = load_tables("cifar10")
    for column, (device, cost, _) in HW_NAS_BENCH.items():
        name = f"{device}.{cost}"
        costs[name] = replace(looked_up[name], name=name)
        published[name] = raw[column][raw[column] > 0]
    accuracy = read_rows(folder / "nasbench201_accuracy.csv.gz", ["cifar10_val", "cifar10_test"], texts)
    tables = {name: np.empty([len(slot.options) for slot in space.slots]) for name in accuracy}
    for name, table in tables.items():
        table[tuple(every.T)] = accuracy[name]
    scored, columns = read_columns(folder / "nasbench201_proxies_cifar10.csv.gz", PROXIES)
    place = {text: i for i, text in enumerate(scored)}
    rows = np.array([place.get(space.format(as_architecture(space, row)), -1) for row in choices])
    scores = {name: oriented(name, np.where((rows < 0) | (np.abs(values[rows]) >= FAILED), np.nan, values[rows]))
              for name, values in columns.items()}
    problem = Problem(space, Budget(), [], choices, scores, {n: costs[n].values(choices) for n in ("params", "macs")},
                      TabularCost(tables["cifar10_val"], "accuracy", "%", "looked up"))
    return _Tables(problem, costs, published, tables["cifar10_test"][tuple(choices.T)])
