"""What a supernet chooses by itself within limits: repaired alphas, their best member, evolution on inherited weights.

    dcanas search search=single_path data=folder data.root=photos data.size=32 budget=none run.dir=runs/one
    python -m tools study_inherited runs=runs/one,runs/two out=inherited.jsonl

NAS-Bench-201, limits those that are reported. Ways, none of which asks a training-free score or trains anything:

- `argmax, repaired`: the strongest option of every slot; while a limit is broken, the change of one slot that costs the
  least score per violation taken away.
- `best score`: the feasible member with the best total score (what `derive` takes without a judge).
- `best of the pool by inherited accuracy`: of `make_pool`'s 100.
- `evolution on inherited accuracy`: `dcanas.search.elastic.evolution`.

Inherited accuracy: on validation images, which neither weights nor alphas have seen, batch norm by the batch; every
network is judged once per run and kept in `out`. Told: test accuracy by limit, mean over runs, and mean regret.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from dcanas.benchmarks.json_lines import append_row, read_rows
from dcanas.benchmarks.table_problem import Problem, make_problem, test_accuracies
from dcanas.costs.greedy_descent import violation
from dcanas.search.elastic.elastic_settings import ElasticSettings
from dcanas.search.elastic.evolution import evolve
from dcanas.search.pool import total_scores
from dcanas.spaces import Architecture
from tools.supernets import TrainedSupernet
from tools.tables import NO_LIMIT, REPORTED, print_chosen
from tools.voters import proposed, stored_scores

Judge = Callable[[Architecture], float]


def repaired(problem: Problem, scores: list[np.ndarray]) -> Architecture:
    """Return the strongest options, changed one slot after the other until every limit is kept."""
    space = problem.space

    def worth(other: Architecture) -> float:
        return float(total_scores(scores, np.array([other.choices]))[0])

    def over(other: Architecture) -> float:
        alive = other.choices in problem.index
        return violation(other, problem.costs, problem.budget) if alive else float("inf")

    arch = space.prune(space.architecture([int(np.argmax(row)) for row in scores]))
    while (now := over(arch)) > 0:
        changes = {space.prune(other) for other in space.neighbours(arch)}
        better = [other for other in sorted(changes) if over(other) < now]
        gain = {other: min(now, 1e3) - over(other) for other in better}  # from a network that is not connected: any
        arch = min(better, key=lambda other: (worth(arch) - worth(other)) / gain[other])
    return arch


def chosen(problem: Problem, scores: list[np.ndarray], judge: Judge, evaluations: int,
           seed: int) -> dict[str, Architecture]:
    """Return what every way takes within the problem's limits."""
    among = problem.choices[problem.feasible]
    pool = [each.architecture for each in proposed(problem, scores, seed)]
    born = evolve(problem.space, problem.costs, problem.budget,
                  lambda arch: {"validation_accuracy": judge(arch), "validation_loss": 0.0},
                  ElasticSettings(evaluations=evaluations, population=40, tournament=8), seed)
    return {"argmax, repaired": repaired(problem, scores),
            "best score": problem.space.architecture(among[int(np.argmax(total_scores(scores, among)))]),
            "best of the pool by inherited accuracy": max(pool, key=judge),
            "evolution on inherited accuracy": max(born, key=lambda each: each.fitness).architecture}


def main(*, runs: tuple[Path, ...], out: Path, limits: tuple[str, ...] = (*REPORTED, NO_LIMIT), evaluations: int = 120,
         images: int = 250, threads: int = 1) -> None:
    """Print the table.

    Args:
        runs: folders of finished searches by gradient
        out: file of the accuracies
        evaluations: members that evolution judges
        images: that a network is judged on
    """
    torch.set_num_threads(threads)
    known = {(row["run"], row["architecture"]): row["accuracy"] for row in read_rows(out)}
    test = test_accuracies()
    found: dict[str, dict[str, list[float]]] = {}
    for seed, run in enumerate(runs):
        supernet = TrainedSupernet(run, images)

        def judge(arch: Architecture, run: Path = run, supernet: TrainedSupernet = supernet) -> float:
            arch = supernet.space.canonical(arch)
            key = (run.name, supernet.space.format(arch))
            if key not in known:
                known[key] = supernet.accuracy(arch)
                append_row(out, {"run": key[0], "architecture": key[1], "accuracy": known[key]})
            return known[key]

        for limit in limits:
            problem = make_problem(limit)
            for way, arch in chosen(problem, stored_scores(run), judge, evaluations, seed).items():
                accuracy = test[problem.index[problem.space.prune(arch).choices]]
                found.setdefault(way, {}).setdefault(limit, []).append(accuracy)
    print_chosen("way", found)
