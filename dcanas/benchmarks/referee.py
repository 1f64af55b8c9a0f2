"""The referee: contestants x budgets x seeds on published tables, every result kept as it comes, judged by test once.

Regret is the test accuracy that the best feasible member has beyond the chosen one. What lies outside the budget counts
as infeasible, and its regret is that of a constant classifier's accuracy.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from dcanas.basics.errors import UserError
from dcanas.basics.files import read_json, write_text
from dcanas.basics.keys import derive_seed
from dcanas.basics.user_files import load_user_file
from dcanas.benchmarks.baselines import best_of, contestants
from dcanas.benchmarks.table_problem import Problem, make_problem, test_accuracies
from dcanas.search.pool import total_scores

CHANCE = 10.0  # test accuracy in percent of what must not be delivered
Row = dict[str, Any]
KEY = ("contestant", "limits", "seed")


def compete(names: Sequence[str], limits: Sequence[str], seeds: int, ledger: Path,
            on_row: Callable[[Row], None] = lambda row: None) -> list[Row]:
    """Return one row per contestant, limits and seed; those that the ledger holds are not played again.

    A row: contestant, limits, seed, architecture, feasible, test (accuracy in percent), regret, oracle, trainings,
    seconds. Raises `UserError` for a name, limit or answer that makes no sense.
    """
    known = {tuple(row[name] for name in KEY): row for row in _read(ledger)}
    rules = {name: contestants[name] for name in names}
    rows = []
    for text in limits:
        problem = make_problem(text)
        for name, rule in rules.items():
            for seed in range(seeds):
                key = (name, text, seed)
                if key not in known:
                    known[key] = play(name, rule, problem, text, seed)
                    _append(ledger, known[key])
                rows.append(known[key])
                on_row(known[key])
    return rows


def play(name: str, rule: Callable[..., int], problem: Problem, limits: str, seed: int) -> Row:
    """Return the row of one contestant's answer."""
    problem.trainings.clear()
    start = time.perf_counter()
    answer = rule(problem, np.random.default_rng(derive_seed("referee", name, limits, seed)))
    seconds = time.perf_counter() - start
    if not isinstance(answer, (int, np.integer)) or not 0 <= answer < len(problem.choices):
        raise UserError(f"Contestant {name} must return the index of a member, 0 to {len(problem.choices) - 1}, "
                        f"got {answer!r}.")
    feasible = bool(problem.feasible[answer])
    test = test_accuracies()
    oracle = float(test[problem.feasible].max())
    return {"contestant": name, "limits": limits, "seed": seed, "feasible": feasible,
            "architecture": problem.space.format(problem.architecture(answer)), "test": float(test[answer]),
            "regret": oracle - (float(test[answer]) if feasible else CHANCE), "oracle": oracle,
            "trainings": len(problem.trainings), "seconds": seconds}


@dataclass(frozen=True)
class Standing:
    """One contestant over all limits and seeds; the interval is of the paired difference in regret to the reference."""

    contestant: str
    feasible: int
    played: int
    regret: float
    difference: float
    interval: tuple[float, float]
    trainings: float
    seconds: float


def standings(rows: Sequence[Row], reference: str) -> list[Standing]:
    """Return everybody, the smallest mean regret first.

    Paired by limits: seeds are averaged first, and Student's 95 % interval is over limits, the unit that another device
    would draw anew; with one set of limits there is none (NaN).
    """
    def means(name: str) -> np.ndarray:
        mine: dict[str, list[float]] = {}
        for row in rows:
            if row["contestant"] == name:
                mine.setdefault(row["limits"], []).append(row["regret"])
        return np.array([np.mean(mine[text]) for text in sorted(mine)])

    found = []
    for name in dict.fromkeys(row["contestant"] for row in rows):
        mine = [row for row in rows if row["contestant"] == name]
        paired = means(name) - means(reference)
        half = float("nan")
        if len(paired) > 1:
            half = float(stats.t.ppf(0.975, len(paired) - 1) * paired.std(ddof=1) / np.sqrt(len(paired)))
        mean = float(paired.mean())
        found.append(Standing(name, sum(row["feasible"] for row in mine), len(mine), float(means(name).mean()), mean,
                              (mean - half, mean + half), float(np.mean([row["trainings"] for row in mine])),
                              float(np.mean([row["seconds"] for row in mine]))))
    return sorted(found, key=lambda each: each.regret)


def add_run(folder: Path) -> str:
    """Register the finished search of a run directory as a contestant and return its name.

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
    return contestants.add(run).__name__


def add_file(path: Path) -> list[str]:
    """Load a file of the user's own, which registers contestants, and return their names; it is run like a script."""
    added = contestants.made_by(load_user_file(path, "files"))
    if not added:
        raise UserError(f"{path} registers no contestant: decorate a function of (problem, rng) with @contestants.add "
                        "from dcanas.benchmarks.baselines.")
    return added


def _read(path: Path) -> list[Row]:
    """Return the whole lines of the ledger; a last one that was cut off is dropped."""
    if not path.exists():
        return []
    text = path.read_text(encoding="utf-8")
    whole = text[:text.rfind("\n") + 1]
    try:
        rows = [json.loads(line) for line in whole.splitlines()]
    except json.JSONDecodeError as error:
        raise UserError(f"{path} is damaged ({error}); delete it or choose another out=.") from error
    if any(not isinstance(row, dict) or any(name not in row for name in KEY) for row in rows):
        raise UserError(f"{path} is no ledger of `dcanas bench`; choose another out=.")
    if whole != text:
        write_text(path, whole)
    return rows


def _append(path: Path, row: Row) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")
