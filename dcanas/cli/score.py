"""`dcanas score`: training-free scores of networks, printed as a table, and how well they rank."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dcanas.basics.hooks import Hooks
from dcanas.pipeline.command_options import ScoreOptions
from dcanas.pipeline.context import Context
from dcanas.pipeline.score import Scores, score
from dcanas.proxies.proxy_name import ProxyName
from dcanas.proxies.table import Row

SHOWN = 20  # networks in the terminal
WIDE = 8  # scores in the terminal's table


def main(command: str, run: Context) -> None:
    options: ScoreOptions = run.options.own
    found = score(run, options)
    if len(found.rows) == 1:
        _show_one(run.hooks, found.rows[0], found.costs)
    else:
        _show_many(run.hooks, found.names, found.rows, found.costs)
    if found.reference is not None:
        _show_ranked(run.hooks, found, options.k)


def _show_one(hooks: Hooks, row: Row, costs: Mapping[str, np.ndarray]) -> None:
    known = ", ".join(f"{name} {values[0]:,.4g}" if "latency" in name else f"{name} {values[0]:,.0f}"
                      for name, values in costs.items())
    lines = [[name, _number(value), ProxyName.parse(name).facts.direction, row["status"].get(name, "ok"),
              f"{row['seconds'][name]:.2f}"] for name, value in row["scores"].items()]
    hooks.table(f"{row['architecture']}: {known}", ["proxy", "value", "better", "status", "seconds"], lines)


def _show_many(hooks: Hooks, names: Sequence[str], rows: Sequence[Row], costs: Mapping[str, np.ndarray]) -> None:
    shown = list(names)[:WIDE]
    lines = [[row["architecture"], *(f"{column[i]:,.6g}" if "latency" in name else f"{column[i]:,.0f}"
                                     for name, column in costs.items()),
              *(_number(row["scores"][name]) for name in shown)] for i, row in enumerate(rows[:SHOWN])]
    more = [f"{len(names) - WIDE} more scores"] if len(names) > WIDE else []
    more += [f"{len(rows) - SHOWN:,} more networks"] if len(rows) > SHOWN else []
    title = "First networks" if len(rows) > SHOWN else "Networks"
    hooks.table(title, ["architecture", *costs, *shown], lines)
    failed: dict[str, int] = {}
    for row in rows:
        for name, why in row["status"].items():
            failed[f"{name}: {why}"] = failed.get(f"{name}: {why}", 0) + 1
    for why, count in failed.items():
        hooks.message(f"{why} ({count:,} of {len(rows):,} networks)")
    if more:
        hooks.message(f"scores.csv holds {' and '.join(more)}.")


def _number(value: Any) -> str:
    return "–" if value is None else f"{value:.6g}"


def _show_ranked(hooks: Hooks, found: Scores, k: int) -> None:
    """Print the statistics, 95 % bootstrap intervals in brackets."""
    assert found.reference is not None
    lines = []
    for row in found.ranked:
        j = row.statistics
        best, (low, high) = j.best_ranking_at_k, j.best_ranking_interval
        lines.append([row.score, _with(j.spearman, j.spearman_interval), _with(j.kendall, j.kendall_interval),
                      f"{j.weighted_kendall:.3f}", _with(j.precision_at_k, j.precision_interval, 2),
                      f"{best} ({low:.0f}–{high:.0f})", f"{j.best_tenth_spearman:.3f}", f"{j.best_tenth_kendall:.3f}",
                      f"{row.given_params:.3f}", str(row.failed)])
    without = len(found.rows) - found.known
    left = f", {without:,} without a target left out" if without else ""
    hooks.table(f"Against {found.reference.title}, {found.known:,} networks{left}",
                  ["score", "Spearman", "Kendall", "weighted Kendall", f"precision@{k}", f"BestRanking@{k}",
                   "Spearman, best tenth", "Kendall, best tenth", "given params", "failed"], lines)
    if not any("latency" in name for name in found.costs):
        hooks.message("No latency beside them: device=NAME of one with a published table adds it "
                      "(`dcanas list devices`).")


def _with(value: float, interval: tuple[float, float], digits: int = 3) -> str:
    return f"{value:.{digits}f} ({interval[0]:.{digits}f}–{interval[1]:.{digits}f})"
