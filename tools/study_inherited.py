"""What a supernet chooses by itself within limits: repaired alphas, their best member, evolution on inherited weights.

    dcanas search search=single_path data=folder data.root=photos data.size=32 budget=none run.dir=runs/one
    uv run python tools/study_inherited.py --runs runs/one [runs/two ...] --out inherited.jsonl

NAS-Bench-201 in the folder DCANAS_TABLES, limits those that are reported. Ways, none of which asks a training-free
score or trains anything:

- `argmax, repaired`: the strongest option of every slot; while a limit is broken, the change of one slot that costs the
  least score per violation taken away.
- `best score`: the feasible member with the best total score (what `derive` takes without a judge).
- `best of the pool by inherited accuracy`: of `make_pool`'s 100.
- `evolution on inherited accuracy`: `dcanas.search.elastic.evolution`, --evaluations members.

Inherited accuracy: on --images validation images, which neither weights nor alphas have seen, batch norm by the batch;
every network is judged once per run and kept in --out. Told: test accuracy by limit, mean over runs, and mean regret.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from study_supernet import inherited, learnt
from voters import NONE, REPORTED, proposed, stored_scores

from dcanas.benchmarks.table_problem import Problem, make_problem, test_accuracies
from dcanas.costs.greedy_descent import violation
from dcanas.search.elastic.elastic_settings import ElasticSettings
from dcanas.search.elastic.evolution import Evaluation, evolve
from dcanas.search.pool import total_scores
from dcanas.spaces import Architecture

POPULATION, TOURNAMENT = 40, 8
Selector = Callable[[Architecture], Evaluation]


def repaired(problem: Problem, scores: list[np.ndarray]) -> Architecture:
    """Return the strongest options, changed one slot after the other until every limit is kept."""
    space = problem.space
    arch = space.architecture([int(np.argmax(row)) for row in scores])

    def worth(other: Architecture) -> float:
        return float(total_scores(scores, np.array([other.choices]))[0])

    def over(other: Architecture) -> float:
        alive = other.choices in problem.index
        return violation(other, problem.costs, problem.budget) if alive else float("inf")

    arch = space.prune(arch)
    while (now := over(arch)) > 0:
        changes = {space.prune(other) for other in space.neighbours(arch)}
        better = [other for other in sorted(changes) if over(other) < now]
        gain = {other: min(now, 1e3) - over(other) for other in better}  # from a network that is not connected: any
        arch = min(better, key=lambda other: (worth(arch) - worth(other)) / gain[other])
    return arch


def chosen(problem: Problem, scores: list[np.ndarray], judge: Selector, options: argparse.Namespace,
           seed: int) -> dict[str, Architecture]:
    """Return what every way takes within the problem's limits."""
    among = problem.choices[problem.feasible]
    pool = [each.architecture for each in proposed(problem, scores, seed)]
    settings = ElasticSettings(evaluations=options.evaluations, population=POPULATION, tournament=TOURNAMENT)
    born = evolve(problem.space, problem.costs, problem.budget, judge, settings, seed)
    return {"argmax, repaired": repaired(problem, scores),
            "best score": problem.space.architecture(among[int(np.argmax(total_scores(scores, among)))]),
            "best of the pool by inherited accuracy": max(pool, key=lambda arch: judge(arch)["validation_accuracy"]),
            "evolution on inherited accuracy": max(born, key=lambda each: each.fitness).architecture}


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=Path, nargs="+", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--limits", nargs="+", default=[*REPORTED, NONE])
    parser.add_argument("--evaluations", type=int, default=120)
    parser.add_argument("--images", type=int, default=250)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(arguments)
    lines = options.out.read_text().splitlines() if options.out.exists() else []
    known = {(row["run"], row["architecture"]): row["accuracy"] for row in map(json.loads, lines)}
    test = test_accuracies()
    found: dict[str, dict[str, list[float]]] = {}
    for seed, run in enumerate(options.runs):
        session, supernet = learnt(run, options.threads)
        scores = stored_scores(run)

        def judge(arch: Architecture, run: Path = run, session=session, supernet=supernet) -> Evaluation:
            key = (run.name, session.space.format(session.space.canonical(arch)))
            if key not in known:
                known[key] = float(inherited(session, supernet, [session.space.canonical(arch)], options.images)[0])
                with options.out.open("a") as file:
                    file.write(json.dumps({"run": key[0], "architecture": key[1], "accuracy": known[key]}) + "\n")
            return {"validation_accuracy": known[key], "validation_loss": 0.0}

        for limit in options.limits:
            problem = make_problem(limit)
            for way, arch in chosen(problem, scores, judge, options, seed).items():
                accuracy = test[problem.index[problem.space.prune(arch).choices]]
                found.setdefault(way, {}).setdefault(limit, []).append(accuracy)
            print(f"{run.name}, {limit}: {len(known)} networks judged", file=sys.stderr, flush=True)
    best = {limit: test[make_problem(limit).feasible].max() for limit in options.limits}
    print(" ".join(["python tools/study_inherited.py", *arguments]))
    names = ["no limit" if limit == NONE else limit for limit in options.limits]
    print(f"\n| way | {' | '.join(names)} | mean regret |\n|---{'|---' * len(names)}|---|")
    print(f"| best feasible | {' | '.join(f'{best[limit]:.2f}' for limit in options.limits)} | |")
    for way, by_limit in found.items():
        means = {limit: float(np.mean(values)) for limit, values in by_limit.items()}
        regret = np.mean([best[limit] - means[limit] for limit in options.limits if limit != NONE])
        print(f"| {way} | {' | '.join(f'{means[limit]:.2f}' for limit in options.limits)} | {regret:.2f} |")


if __name__ == "__main__":
    main(sys.argv[1:])
