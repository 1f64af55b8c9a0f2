"""Ways to make a search by gradient keep a limit, by what they derive without repair and how long that takes.

    python -m tools study_limits data=photos out=limits.jsonl

NAS-Bench-201, published latencies and accuracies, supernet on CIFAR-10 images in folders train/ and test/. Every way
searches until the strongest option of every slot, without any repair, is a network within the limit:

- `dual`: one search; the time is that of the first epoch from which on the network stays within.
- `fixed`: one penalty weight for the whole search, begun at 1 and multiplied by 4 until a search ends within: what
  tuning by hand does at least. The time is that of all that did not and, of the last, as above.
- `lookup_graph` (DCA-NAS): five searches under 0.4 to 1.2 of the limit tell under which limit to search, then that one;
  the time is that of all one after the other, and with the five in parallel.
- `none`: plain DARTS, no limit in the search.

Beside it what `derive` makes of the same scores, which keeps the limit always. `out` keeps every search.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dcanas.basics.errors import UserError
from dcanas.benchmarks.json_lines import append_row, read_rows
from dcanas.benchmarks.table_problem import Problem, make_problem, test_accuracies
from dcanas.costs import Budget
from dcanas.search import SearchSettings, search
from dcanas.search.gradient.lookup_graph import FACTORS, over_limits, tightened
from dcanas.search.pool import total_scores
from dcanas.training import Dataset, DataSpec, Recipe, load_data
from tools.markdown import print_table

Row = dict[str, Any]

LIMITS = ("edgegpu.latency_ms:p25", "raspi4.latency_ms:p50", "edgegpu.latency_ms:p50+params:400000")
WEIGHTS = tuple(4.0 ** k for k in range(6))
NEVER = float("inf")


@dataclass(frozen=True)
class Study:
    """Searches under one set of limits, each kept in `path` by what was asked."""

    limits: str
    problem: Problem
    dataset: Dataset
    settings: SearchSettings
    seed: int
    path: Path

    def run(self, budget: Budget, **changes: object) -> Row:
        """Return one search: scores, choices of every epoch, seconds of the processor."""
        settings = replace(self.settings, **changes)  # type: ignore[arg-type]
        asked = {"limits": self.limits, "budget": dict(budget), "seed": self.seed, "settings": asdict(settings)}
        for row in read_rows(self.path):
            if row["asked"] == asked:
                return row
        start = time.process_time()
        found = search(self.problem.space, self.dataset, budget, self.problem.costs if budget else [], settings,
                       Recipe(), self.seed, skeleton={"channels": 16, "cells": 1})
        row = {"asked": asked, "scores": found.scores, "seconds": time.process_time() - start,
               "epochs": [[int(np.argmax(p)) for p in epoch["mixing"]] for epoch in found.history]}
        append_row(self.path, row)
        return row

    def over(self, row: Row, epoch: int = -1) -> dict[str, float]:
        """Return each cost of the network after an epoch over its limit."""
        arch = self.problem.space.architecture(row["epochs"][epoch])
        return over_limits(self.problem.costs, self.problem.budget, arch)

    def seconds(self, row: Row) -> float:
        """Return the time at the first epoch from which on the network stays within; infinite if it ends outside."""
        count = len(row["epochs"])
        outside = [epoch for epoch in range(count) if max(self.over(row, epoch).values()) > 1]
        last = outside[-1] + 1 if outside else 0  # epochs until the last network outside
        return row["seconds"] * (last + 1) / count if last < count else NEVER

    def ways(self) -> Iterator[tuple[str, Row, str]]:
        """Yield per way its name, its last search and the time it took."""
        budget = self.problem.budget
        for name, limits in (("none", Budget()), ("dual", budget)):
            row = self.run(limits)
            yield name, row, _time(self.seconds(row))
        spent = 0.0
        for weight in WEIGHTS:
            row = self.run(budget, constraint="fixed", violation_weight=weight)
            if self.seconds(row) < NEVER:
                break
            spent += row["seconds"]
        yield f"fixed, weight {weight:g}", row, _time(spent + self.seconds(row))
        points = {factor: self.run(Budget({name: limit * factor for name, limit in budget.items()}))
                  for factor in FACTORS}
        building = [point["seconds"] for point in points.values()]
        row = self.run(tightened({factor: self.over(point) for factor, point in points.items()}, budget))
        yield "lookup_graph", row, (f"{_time(sum(building) + self.seconds(row))}; in parallel "
                                    f"{_time(max(building) + self.seconds(row))}")

    def rows(self) -> Iterator[list[str]]:
        """Yield the lines of the table."""
        problem, test = self.problem, test_accuracies()
        feasible = np.flatnonzero(problem.feasible)
        try:
            for name, row, seconds in self.ways():
                arch = problem.space.prune(problem.space.architecture(row["epochs"][-1]))
                member = problem.index.get(arch.choices)
                totals = total_scores([np.array(each) for each in row["scores"]], problem.choices[feasible])
                yield [self.limits, name, ", ".join(f"{ratio:.2f}" for ratio in self.over(row).values()),
                       "disconnected" if member is None else f"{test[member]:.2f}", seconds,
                       f"{test[feasible[np.argmax(totals)]]:.2f}", f"{test[feasible].max():.2f}"]
        except UserError as reason:  # not even the tightest search keeps the limit
            yield [self.limits, "lookup_graph", str(reason), "", "never", "", ""]


def _time(seconds: float) -> str:
    return "never" if seconds == NEVER else f"{seconds:.0f} s"


def main(*, data: Path, out: Path, limits: tuple[str, ...] = LIMITS, fraction: float = 0.128, epochs: int = 8,
         bottleneck: int = 4, alpha_learning_rate: float = 0.01, seed: int = 0, threads: int = 1) -> None:
    """Search and print the table.

    Args:
        data: images as folders, train/ and test/
        out: file of the searches
        fraction: of the training images
    """
    torch.set_num_threads(threads)
    dataset = load_data(DataSpec("folder", str(data), 32, fraction=fraction))
    settings = SearchSettings(epochs=epochs, bottleneck=bottleneck, alpha_learning_rate=alpha_learning_rate)
    print_table(["limits", "way", "network without repair: cost over limit", "test accuracy",
                 "seconds of one processor until within", "derived: test accuracy", "best feasible"],
                (row for each in limits
                 for row in Study(each, make_problem(each), dataset, settings, seed, out).rows()))
