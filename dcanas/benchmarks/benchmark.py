"""The benchmark: baselines x limits x seeds on published tables; every answer is stored, then judged by test accuracy.

Regret is the test accuracy that the best feasible member has beyond the chosen one. A member outside the budget counts
as infeasible, and its regret is that of a constant classifier's accuracy (of the worst network in a file of one's own).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dcanas.basics.errors import UserError
from dcanas.basics.files import read_json
from dcanas.basics.keys import derive_seed
from dcanas.basics.user_files import load_user_file
from dcanas.benchmarks.baselines import Baseline, baselines, best_of
from dcanas.benchmarks.json_lines import append_row, read_rows
from dcanas.benchmarks.judged_data import JudgedData, judged_data
from dcanas.benchmarks.table_problem import Problem, make_problem
from dcanas.search.pool import total_scores

KEY = ("baseline", "limits", "seed")
Row = dict[str, Any]  # see `evaluate_one`


def evaluate(names: Sequence[str], limits: Sequence[str], seeds: int, path: Path,
             on_row: Callable[[Row], None] = lambda row: None, data: JudgedData | None = None) -> list[Row]:
    """Return one row for each baseline, limits and seed.

    Args:
        names: of baselines.
        limits: texts as in `make_problem`.
        seeds: how many, from 0.
        path: file of JSON lines in which rows are stored; what it holds is not evaluated again.
        on_row: called with every row.
        data: the accuracies that judge; None: CIFAR-10.

    Raises `UserError` for a name, a limit or an answer that makes no sense, and for a file with other content.
    """
    data = data or judged_data()
    judged = (data.name, list(data.priors))
    known = {tuple(row[name] for name in KEY): row for row in read_rows(path, KEY)
             if (row.get("data", "cifar10"), row.get("prior", judged[1])) == judged}
    chosen = {name: baselines[name] for name in names}
    rows = []
    for text in limits:
        problem = make_problem(text, data)
        for name, baseline in chosen.items():
            for seed in range(seeds):
                key = (name, text, seed)
                if key not in known:
                    known[key] = evaluate_one(name, baseline, problem, text, seed)
                    append_row(path, known[key])
                rows.append(known[key])
                on_row(known[key])
    return rows


def evaluate_one(name: str, baseline: Baseline, problem: Problem, limits: str, seed: int) -> Row:
    """Return the row of one baseline's answer.

    baseline, seed; limits: as typed, see `make_problem`; data, prior: names of the data set and of those that its prior
    is fitted to; feasible: whether the answer keeps the limits; architecture: in the notation of the space; test,
    oracle: test accuracy in percent, of it and of the best feasible member; regret: their difference; trainings:
    members whose validation accuracy the baseline asked for; seconds: it took.
    """
    problem.trainings.clear()
    start = time.perf_counter()
    answer = baseline(problem, np.random.default_rng(derive_seed("referee", name, limits, seed)))
    seconds = time.perf_counter() - start
    if not isinstance(answer, (int, np.integer)) or not 0 <= answer < len(problem.choices):
        raise UserError(f"Baseline {name} must return the index of a member, 0 to {len(problem.choices) - 1}, "
                        f"got {answer!r}.")
    feasible = bool(problem.feasible[answer])
    test = problem.data.test
    oracle = float(test[problem.feasible].max())
    return {"baseline": name, "limits": limits, "seed": seed, "data": problem.data.name,
            "prior": list(problem.data.priors), "feasible": feasible,
            "architecture": problem.space.format(problem.architecture(answer)), "test": float(test[answer]),
            "regret": oracle - (float(test[answer]) if feasible else problem.data.chance), "oracle": oracle,
            "trainings": len(problem.trainings), "seconds": seconds}


def add_run(folder: Path) -> str:
    """Register the finished search of a run directory as a baseline and return its name.

    Its stored scores choose among the feasible members (the best total wins): one search answers for all limits.
    """
    path = folder / "search" / "scores.json"
    if not path.is_file():
        raise UserError(f"{folder} holds no finished search ({path} is missing); finish it with `dcanas search`.")
    stored = [np.asarray(row, dtype=float) for row in read_json(path)["scores"]]

    def run(problem: Problem, rng: np.random.Generator) -> int:
        if [len(row) for row in stored] != [len(slot.options) for slot in problem.space.slots]:
            raise UserError(f"{folder} searched another space than {problem.space.name}, of which the tables speak.")
        return best_of(problem, total_scores(stored, problem.choices), rng)

    run.__name__ = f"run:{folder}"
    return baselines.add(run).__name__


def add_file(path: Path) -> list[str]:
    """Run a file of the user's own, which registers baselines, and return their names."""
    added = baselines.made_by(load_user_file(path, "files"))
    if not added:
        raise UserError(f"{path} registers no baseline: decorate a function of (problem, rng) with @baselines.add "
                        "from dcanas.benchmarks.baselines.")
    return added
