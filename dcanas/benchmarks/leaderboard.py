"""The leaderboard of a benchmark: mean regret of every baseline, and its paired difference to a reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from dcanas.benchmarks.benchmark import Row


@dataclass(frozen=True)
class LeaderboardEntry:
    """A baseline over all limits and seeds.

    Attributes:
        feasible: how many of its answers keep the limits, `evaluated`: how many there are.
        regret: mean over limits, in points of test accuracy.
        difference: in regret to the reference, mean over limits; interval: its 95 % confidence interval.
        trainings, seconds: mean per answer.
    """

    baseline: str
    feasible: int
    evaluated: int
    regret: float
    difference: float
    interval: tuple[float, float]
    trainings: float
    seconds: float


def leaderboard(rows: Sequence[Row], reference: str) -> list[LeaderboardEntry]:
    """Return an entry for every baseline, the smallest mean regret first.

    Differences are paired by limits: seeds are averaged first, and the interval is over limits, the unit that another
    device would draw anew.
    """
    def regrets(name: str) -> np.ndarray:
        found: dict[str, list[float]] = {}
        for row in rows:
            if row["baseline"] == name:
                found.setdefault(row["limits"], []).append(row["regret"])
        return np.array([np.mean(found[text]) for text in sorted(found)])

    entries = []
    for name in dict.fromkeys(row["baseline"] for row in rows):
        own = [row for row in rows if row["baseline"] == name]
        difference = regrets(name) - regrets(reference)
        entries.append(LeaderboardEntry(
            name, sum(row["feasible"] for row in own), len(own), float(regrets(name).mean()), float(difference.mean()),
            student_interval(difference), float(np.mean([row["trainings"] for row in own])),
            float(np.mean([row["seconds"] for row in own]))))
    return sorted(entries, key=lambda entry: entry.regret)


def student_interval(values: np.ndarray) -> tuple[float, float]:
    """Return Student's 95 % confidence interval of a mean; NaN for a single value. Shape: (n,)."""
    if len(values) < 2:
        return float("nan"), float("nan")
    half = float(stats.t.ppf(0.975, len(values) - 1) * stats.sem(values))
    return float(values.mean()) - half, float(values.mean()) + half


def leaderboard_markdown(rows: Sequence[Row], reference: str, command: str, tables: str) -> str:
    """Return the leaderboard, and the mean test accuracy for each set of limits, as tables in Markdown.

    Args:
        command: the command line that made the rows.
        tables: where accuracies, latencies and scores are from, in one sentence.
    """
    limits = list(dict.fromkeys(row["limits"] for row in rows))
    seeds = len({row["seed"] for row in rows})
    entries = leaderboard(rows, reference)
    lines = [f"    {command}", "", f"{tables} {len(limits)} sets of limits, {seeds} seeds. "
             "Regret: points of test accuracy to the best feasible network. Differences (negative is better) "
             f"are paired with {reference}, with a 95 % interval over limits.", "",
             "| baseline | feasible | mean regret | difference (95 %) | trainings | seconds |",
             "|---|---|---|---|---|---|", *map(_line, entries), "",
             f"| limits | oracle | {' | '.join(entry.baseline for entry in entries)} |",
             f"|---|---|{'---|' * len(entries)}"]
    for text in limits:
        of = [row for row in rows if row["limits"] == text]
        means = [np.mean([row["test"] for row in of if row["baseline"] == entry.baseline]) for entry in entries]
        lines.append(f"| {text} | {of[0]['oracle']:.2f} | {' | '.join(f'{mean:.2f}' for mean in means)} |")
    return "\n".join(lines) + "\n"


def _line(entry: LeaderboardEntry) -> str:
    low, high = entry.interval
    spread = "" if np.isnan(low) else f" ({low:+.2f} to {high:+.2f})"
    return (f"| {entry.baseline} | {entry.feasible}/{entry.evaluated} | {entry.regret:.2f} | "
            f"{entry.difference:+.2f}{spread} | {entry.trainings:.0f} | {entry.seconds:.2f} |")
