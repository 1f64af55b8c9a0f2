"""Reports the searches of `study_sampling`: best values, regret, time, and the influence of proxies.

    python -m tools report_sampling sampling.jsonl [figure=docs/figures/sampling.svg]
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from dcanas.benchmarks.json_lines import read_rows
from dcanas.report.figures.canvas import axes, series, styled
from tools.figures import save
from tools.markdown import print_table
from tools.study_sampling import FIRST, LAST

SHOWN = ("random", "evolution", "local", "bo", "proxybo", "sizes", "sorted synflow")  # in the figure
Searches = dict[int, dict]  # by seed


def best(found: Searches) -> np.ndarray:
    """Return the best so far. Shape: (seeds, evaluations)."""
    return np.array([np.maximum.accumulate(found[seed]["values"]) for seed in sorted(found)])


def influence(found: Searches, source: str) -> np.ndarray:
    """Return the mean influence of a source over the proposals after the first. Shape: (LAST - FIRST,)."""
    return np.mean([row["influence"][source] for row in found.values()], axis=0)


def show(name: str, by_method: dict[str, Searches]) -> None:
    """Print the tables of one task."""
    optimum = next(iter(next(iter(by_method.values())).values()))["optimum"]
    goal = float(best(by_method["evolution"])[:, -1].mean()) if "evolution" in by_method else np.inf

    def row(method: str) -> list[object]:
        found, values = by_method[method], best(by_method[method])
        mean, clock = values.mean(0), np.mean([each["seconds"] for each in found.values()], axis=0)
        reached = np.flatnonzero(mean >= goal - 1e-9)
        when = [reached[0] + 1, f"{clock[reached[0]]:.0f}"] if len(reached) else ["never", "-"]
        share = np.mean([each["feasible"] for each in found.values()]) / LAST
        return [method, len(values), *(f"{mean[at - 1]:.2f}" for at in (20, 30, 50)),
                f"{mean[-1]:.2f} ({_error(values[:, -1]):.2f})", f"{optimum - mean[FIRST - 1:].mean():.3f}", *when,
                *(_paired(by_method, method, at) for at in (20, 100)), f"{100 * share:.0f} %"]

    print(f"\n{name}: optimum {optimum:.2f}; goal: regularised evolution's mean after {LAST}, "
          f"{f'{goal:.2f}' if np.isfinite(goal) else 'not run'}")
    print_table(["method", "seeds", "best@20", "@30", "@50", "@100 (standard error)", "mean regret, 10 to 100",
                 "evaluations to the goal", "simulated time to it", "- bo @20 (se)", "- bo @100 (se)", "feasible"],
                map(row, by_method))
    for method, found in by_method.items():
        sources = next(iter(found.values())).get("influence", ())
        if sources:
            print(f"\ninfluence, {method}: " + "; ".join(f"after {at}: " + ", ".join(
                f"{source} {influence(found, source)[at - FIRST]:.2f}" for source in sources)
                for at in (FIRST, 20, 25, 50, 99)))


def _error(values: np.ndarray) -> float:
    return values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.nan


def _paired(by_method: dict[str, Searches], method: str, at: int) -> str:
    """Return what a method is better than `bo` by after so many evaluations, paired by seed."""
    theirs, ours = by_method.get("bo", {}), by_method[method]
    seeds = sorted(set(theirs) & set(ours))
    if method == "bo" or len(seeds) < 2:
        return "-"
    gain = np.array([max(ours[seed]["values"][:at]) - max(theirs[seed]["values"][:at]) for seed in seeds])
    return f"{gain.mean():+.2f} ({_error(gain):.2f})"


@styled
def drawn(name: str, by_method: dict[str, Searches]) -> Figure:
    """Return the mean best value over evaluations with two standard errors, and ProxyBO's influences below."""
    figure, (upper, lower) = axes(rows=2, height=5.2, height_ratios=(2, 1))
    for number, method in enumerate(method for method in SHOWN if method in by_method):
        values, x = best(by_method[method])[:, FIRST - 1:], np.arange(FIRST, LAST + 1)
        mean, error = values.mean(0), 2 * values.std(0, ddof=1) / np.sqrt(len(values))
        upper.plot(x, mean, label=f"{method} ({len(values)} seeds)", **series(number))
        upper.fill_between(x, mean - error, mean + error, alpha=0.15, color=series(number)["color"])
    upper.set(xlabel="evaluations", ylabel=f"best value so far, %: {name}")
    joined = by_method.get("proxybo") or by_method.get("sizes") or {}
    for number, source in enumerate(next(iter(joined.values()))["influence"] if joined else ()):
        lower.plot(np.arange(FIRST, LAST), influence(joined, source), label=source, **series(number))
    lower.set(xlabel="evaluations", ylabel="influence", ylim=(0, 1))
    for axis in (upper, lower):
        axis.legend()
    return figure


def main(out: Path, *, figure: Path | None = None, task: str = "cifar10") -> None:
    """Print the tables.

    Args:
        out: the file of `study_sampling`
        figure: SVG file
        task: of the figure
    """
    by_task: dict[str, dict[str, Searches]] = {}
    for row in read_rows(out):
        by_task.setdefault(row["task"], {}).setdefault(row["method"], {})[row["seed"]] = row
    for name, by_method in by_task.items():
        show(name, by_method)
    if figure:
        save(drawn(task, by_task[task]), figure)
