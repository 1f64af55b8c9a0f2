"""A constrained search on published tables: what a baseline of the benchmark may see, and what it may ask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.random import Generator

from dcanas.basics.errors import UserError
from dcanas.benchmarks.judged_data import PUBLISHED, JudgedData, judged_data
from dcanas.benchmarks.prior_folds import crossfitted
from dcanas.costs import Budget, CostModel, TabularCost, linear_counts
from dcanas.costs.members import as_architecture, member_choices
from dcanas.hardware.latency.published_tables import HW_NAS_BENCH, load_tables
from dcanas.hardware.latency.table_files import read_rows, tables_folder
from dcanas.spaces import Architecture, Space, load_space

FAILED = 1e8  # as the table of scores writes what does not exist, but for its sign
DIVISIONS = 5  # of the members into folds of a prior, one of which a baseline draws


@dataclass
class Problem:
    """One budget over NAS-Bench-201 on one data set.

    Attributes:
        data: the accuracies that judge; no baseline may see its `test`.
        choices: the members, in canonical order. Shape: (members, slots).
        feasible: which of them keep every limit. Shape: (members,).
        sizes: exact `params` and `macs`; name -> (members,).
        trainings: members whose validation accuracy was asked for, in order.
    """

    space: Space
    budget: Budget
    costs: list[CostModel]
    choices: np.ndarray
    sizes: dict[str, np.ndarray]
    data: JudgedData = field(repr=False)
    trainings: dict[int, float] = field(default_factory=dict)

    @property
    def scores(self) -> dict[str, np.ndarray]:
        """Training-free scores, larger is better, NaN if there is none; name -> (members,)."""
        return self.data.scores

    def prior(self, rng: Generator) -> np.ndarray:
        """Return what a prior says of the members, fitted to other data sets, without their equals. Shape: (members,).

        rng: draws one of five divisions of the members into folds.
        """
        return _prior(self.data, int(rng.integers(DIVISIONS)))

    @property
    def others(self) -> dict[str, np.ndarray]:
        """Accuracies of other data sets in percent, NaN if there is none; name -> (members,)."""
        return self.data.priors

    @property
    def accuracies(self) -> TabularCost:
        """Validation accuracies in percent; raises `UserError` if the data set has none."""
        if self.data.validation is None:
            raise UserError(f"The table of {self.data.name} has test accuracies only, and a baseline that trains reads "
                            "validation accuracies: play it on cifar10.")
        return self.data.validation

    @cached_property
    def feasible(self) -> np.ndarray:
        """Which members keep every limit and have an accuracy to be judged by. Shape: (members,) bool."""
        kept = ~np.isnan(self.data.test)
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


def make_problem(limits: str, data: JudgedData | None = None) -> Problem:
    """Return the problem of limits such as "edgegpu.latency_ms:p25+params:400000".

    data: None: CIFAR-10.

    A limit is a number in the cost's unit or p1 to p99, the percentile over all published codes (of a device's table
    those that have a number). Raises `UserError` for a cost or limit that does not exist and if nothing is feasible.
    """
    data = data or judged_data()
    tables = _tables(data.published)
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
    space = load_space("nasbench201")
    problem = Problem(space, Budget(found), [tables.costs[name] for name in found], member_choices(space), tables.sizes,
                      data)
    if not problem.feasible.any():
        raise UserError(f"Nothing in {space.name} is within {limits}; loosen a limit.")
    return problem


def test_accuracies() -> np.ndarray:
    """Return the published test accuracies on CIFAR-10 in percent, which no baseline may see. Shape: (members,)."""
    return judged_data().test


@dataclass(frozen=True)
class _Tables:
    costs: dict[str, CostModel]
    published: dict[str, np.ndarray]
    sizes: dict[str, np.ndarray]


@lru_cache(maxsize=2)
def _tables(data: str) -> _Tables:
    space = load_space("nasbench201")
    codes = list(space.enumerate())
    texts, every = [space.format(arch) for arch in codes], np.array([arch.choices for arch in codes])
    linear = linear_counts(space, (3, 32, 32), PUBLISHED[data], channels=16, cells=5)
    costs: dict[str, CostModel] = {name: linear[name] for name in ("params", "macs")}
    published = {name: cost.values(every) for name, cost in costs.items()}
    raw = read_rows(tables_folder() / f"hw_nas_bench_{data}.csv.gz", list(HW_NAS_BENCH), texts)
    looked_up = load_tables(data)
    for column, (device, cost, _) in HW_NAS_BENCH.items():
        name = f"{device}.{cost}"
        costs[name] = replace(looked_up[name], name=name)
        published[name] = raw[column][raw[column] > 0]
    return _Tables(costs, published, {n: costs[n].values(member_choices(space)) for n in ("params", "macs")})


@lru_cache(maxsize=4 * DIVISIONS)
def _prior(data: JudgedData, seed: int) -> np.ndarray:
    return crossfitted(data.priors, seed)
