"""Ways to make a search by gradient keep a limit, by what they derive without repair and how long that takes.

    uv run python tools/study_limits.py --data photos --out limits.jsonl

NAS-Bench-201, latencies and accuracies from the folder DCANAS_TABLES, supernet on CIFAR-10 images in folders. Every
way searches until the strongest option of every slot, without any repair, is a network within the limit:

- `dual`: one search; the time is that of the first epoch from which on the network stays within.
- `fixed`: one penalty weight for the whole search, begun at 1 and multiplied by 4 until a search ends within: what
  tuning by hand does at least. The time is that of all that did not and, of the last, as above.
- `lookup_graph` (DCA-NAS): five searches under 0.4 to 1.2 of the limit tell under which limit to search, then that one;
  the time is that of all one after the other, and with the five in parallel.
- `none`: plain DARTS, no limit in the search.

Beside it what `derive` makes of the same scores, which keeps the limit always. --out keeps every search.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from small_searches import add_arguments, session_of

from dcanas.basics.errors import UserError
from dcanas.benchmarks.table_problem import Problem, make_problem, test_accuracies
from dcanas.costs import Budget
from dcanas.pipeline.session import Session
from dcanas.search import search
from dcanas.search.gradient.gradient_settings import SearchSettings
from dcanas.search.gradient.lookup_graph import FACTORS, over_limits, tightened
from dcanas.search.pool import total_scores

LIMITS = ("edgegpu.latency_ms:p25", "raspi4.latency_ms:p50", "edgegpu.latency_ms:p50+params:400000")
WEIGHTS = tuple(4.0 ** k for k in range(6))


class Study:
    """Searches under one set of limits, each kept in `path` by what was asked."""

    def __init__(self, session: Session, limits: str, path: Path):
        assert isinstance(session.settings.search, SearchSettings)
        self.session, self.limits, self.path = session, limits, path
        self.settings: SearchSettings = session.settings.search
        self.problem: Problem = make_problem(limits)
        lines = path.read_text().splitlines(keepends=True) if path.exists() else []
        self.known = {json.dumps(row["asked"]): row for row in map(json.loads, lines)}

    def run(self, constraint: str, weight: float = 1.0, factor: float = 1.0, budget: Budget | None = None,
            seed: int = 0) -> dict[str, Any]:
        """Return one search: scores, choices of every epoch, seconds of the processor."""
        asked = {"limits": self.limits, "constraint": constraint, "weight": weight, "factor": factor, "seed": seed,
                 "epochs": self.settings.epochs, "bottleneck": self.settings.bottleneck,
                 "alpha_learning_rate": self.settings.alpha_learning_rate}
        if json.dumps(asked) not in self.known:
            under = budget or Budget({name: limit * factor for name, limit in self.problem.budget.items()})
            free = constraint == "none"
            settings = replace(self.settings, constraint="dual" if free else constraint, violation_weight=weight)
            start = time.process_time()
            found = search(self.problem.space, self.session.dataset, Budget() if free else under,
                           [] if free else self.problem.costs, settings, self.session.settings.train, seed,
                           skeleton=self.session.settings.space.search_skeleton)
            row = {"asked": asked, "scores": found.scores, "seconds": time.process_time() - start,
                   "epochs": [[int(np.argmax(p)) for p in row["mixing"]] for row in found.history]}
            with self.path.open("a") as file:
                file.write(json.dumps(row) + "\n")
            self.known[json.dumps(asked)] = row
            print(f"{asked}: {row['seconds']:.0f} s", file=sys.stderr, flush=True)
        return self.known[json.dumps(asked)]

    def costs(self, choices: list[int]) -> dict[str, float]:
        """Return each cost over its limit."""
        return over_limits(self.problem.costs, self.problem.budget, self.problem.space.architecture(choices))

    def within(self, choices: list[int]) -> bool:
        return all(ratio <= 1 for ratio in self.costs(choices).values())

    def seconds_within(self, row: dict[str, Any]) -> float:
        """Return the time at the first epoch from which on the network stays within; infinite if it ends outside."""
        kept = [self.within(choices) for choices in row["epochs"]]
        outside = len(kept) - next((i for i, ok in enumerate(reversed(kept)) if not ok), len(kept))
        return row["seconds"] * (outside + 1) / len(kept) if outside < len(kept) else float("inf")


def told(study: Study, name: str, row: dict[str, Any], seconds: str) -> str:
    """Return a line of the table."""
    problem, test, final = study.problem, test_accuracies(), row["epochs"][-1]
    member = problem.index.get(tuple(problem.space.prune(problem.space.architecture(final)).choices))
    oracle = test[problem.feasible].max()
    feasible = np.flatnonzero(problem.feasible)
    scores = [np.array(each) for each in row["scores"]]
    repaired = feasible[int(np.argmax(total_scores(scores, problem.choices[feasible])))]
    ratios = ", ".join(f"{ratio:.2f}" for ratio in study.costs(final).values())
    accuracy = "disconnected" if member is None else f"{test[member]:.2f}"
    return (f"| {study.limits} | {name} | {ratios} | {accuracy} | {seconds} | {test[repaired]:.2f} | "
            f"{oracle:.2f} |")


def ways(study: Study, seed: int) -> list[str]:
    """Return the table's lines for one set of limits."""
    lines = []
    for name in ("none", "dual"):
        row = study.run(name, seed=seed)
        lines.append(told(study, name, row, _time(study.seconds_within(row))))
    spent = 0.0
    for weight in WEIGHTS:
        row = study.run("fixed", weight, seed=seed)
        until = study.seconds_within(row)
        if until < float("inf"):
            break
        spent += row["seconds"]
    lines.append(told(study, f"fixed, weight {weight:g}", row, _time(spent + until)))
    points = {factor: study.run("dual", factor=factor, seed=seed) for factor in FACTORS}
    derived = {factor: study.costs(row["epochs"][-1]) for factor, row in points.items()}
    building = [row["seconds"] for row in points.values()]
    try:
        budget = tightened(derived, study.problem.budget)
    except UserError as reason:  # not even the tightest search keeps the limit
        return [*lines, f"| {study.limits} | lookup_graph | {reason} | | never | | |"]
    row = study.run("lookup_graph", budget=budget, seed=seed)
    last = study.seconds_within(row)
    return [*lines, told(study, "lookup_graph", row, f"{_time(sum(building) + last)}; in parallel "
                                                     f"{_time(max(building) + last)}")]


def _time(seconds: float) -> str:
    return "never" if seconds == float("inf") else f"{seconds:.0f} s"


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_arguments(parser, fraction=0.128)
    parser.add_argument("--limits", nargs="+", default=list(LIMITS))
    parser.add_argument("--alpha-learning-rate", type=float, default=0.01)
    options = parser.parse_args(arguments)
    session = session_of(options, f"search.alpha_learning_rate={options.alpha_learning_rate}")
    lines = [line for limits in options.limits for line in ways(Study(session, limits, options.out), options.seed)]
    print(" ".join(["python tools/study_limits.py", *arguments]))
    print("\n| limits | way | network without repair: cost over limit | test accuracy | seconds of one processor until "
          "within | derived: test accuracy | best feasible |\n|---|---|---|---|---|---|---|")
    print("\n".join(lines))


if __name__ == "__main__":
    main(sys.argv[1:])
