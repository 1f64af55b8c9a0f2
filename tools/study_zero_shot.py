"""Zero-shot search under device limits on published tables, against the largest network within the limit.

    python -m tools study_zero_shot

NAS-Bench-201, scores of NAS-Bench-Suite-Zero, latency of HW-NAS-Bench, CIFAR-10 test accuracy of the published
training. "rule" is the member with the most parameters within the limit (ties: their mean), "oracle" the best test
accuracy; the paired interval is that of search minus rule over seeds.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dcanas.benchmarks.table_problem import make_problem, test_accuracies
from dcanas.search.zero_shot.loop import zero_shot
from dcanas.search.zero_shot.zero_shot_settings import ZeroShotSettings
from dcanas.spaces import Architecture
from tools.intervals import student
from tools.markdown import print_table


def main(*, names: tuple[str, ...] = tuple(ZeroShotSettings().names), aggregate: str = ZeroShotSettings().aggregate,
         limits: tuple[str, ...] = ("edgegpu.latency_ms:p50", "raspi4.latency_ms:p25"),
         strategies: tuple[str, ...] = ("random", "evolution", "reinforce"), evaluations: int = 1000,
         seeds: int = 10) -> None:
    """Print the table.

    Args:
        names: scores that vote
        aggregate: how their ranks are added
    """
    test = test_accuracies()

    def rows() -> Iterator[list[str]]:
        for limit in limits:
            problem = make_problem(limit)
            among, sizes = np.flatnonzero(problem.feasible), problem.sizes["params"]
            largest = among[sizes[among] == sizes[among].max()]

            def scores(arch: Architecture, problem=problem) -> dict[str, float]:
                return {name: problem.scores[name][problem.index[arch.choices]] for name in names}

            for strategy in strategies:
                settings = ZeroShotSettings(names, aggregate, strategy, evaluations)
                found = np.array([problem.index[zero_shot(problem.space, problem.budget, scores, problem.costs,
                                                          settings, seed).architecture.choices]
                                  for seed in range(seeds)])
                reached, rule = test[found], test[largest].mean()
                yield [limit, strategy, f"{reached.mean():.2f} ({reached.std():.2f})", f"{rule:.2f}",
                       student(reached - rule), f"{test[among].max():.2f}",
                       f"{problem.feasible[found].sum()} of {seeds}"]

    print(f"{', '.join(names)} by {aggregate}, {evaluations} evaluations, {seeds} seeds")
    print_table(["limit", "strategy", "test accuracy, mean (sd)", "rule", "search - rule (95 % interval)", "oracle",
                 "within the limit"], rows())
