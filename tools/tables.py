"""Published tables as the studies need them: by notation, or by member of NAS-Bench-201 in canonical order."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from dcanas.benchmarks.table_problem import make_problem, test_accuracies
from dcanas.hardware.latency.table_files import read_columns, tables_folder
from tools.markdown import print_table

NO_LIMIT = "params:10000000"  # more than any member has
REPORTED = tuple(f"{device}.latency_ms:p{percent}" for device in ("edgegpu", "raspi4", "eyeriss")
                 for percent in (50, 25, 10))  # limits on which nothing is chosen


def column(table: str, name: str) -> dict[str, float]:
    """Return one column of a published table by the notation of the networks.

    Args:
        table: name of the file in the folder of tables, without `.csv.gz`.
    """
    texts, found = read_columns(tables_folder() / f"{table}.csv.gz", [name])
    return dict(zip(texts, found[name].tolist(), strict=True))


def validation_accuracies() -> np.ndarray:
    """Return `cifar10_val` of the members in percent, of one published training. Shape: (members,)."""
    problem = make_problem(NO_LIMIT)
    return problem.accuracies.values(problem.choices)


def limit_name(limit: str) -> str:
    """Return a limit as tables of results call it."""
    return "no limit" if limit == NO_LIMIT else limit


def print_chosen(first: str, found: Mapping[str, Mapping[str, list[float]]]) -> None:
    """Print a table of test accuracies by limit, as means over runs, with the mean regret over the limits.

    Args:
        first: what the first column holds.
        found: way to choose -> limit -> test accuracy in percent of what each run chose.
    """
    limits, test = list(next(iter(found.values()))), test_accuracies()
    best = np.array([test[make_problem(limit).feasible].max() for limit in limits])
    means = {"best feasible": best, **{way: np.array([np.mean(by_limit[limit]) for limit in limits])
                                       for way, by_limit in found.items()}}
    limited = np.array([limit != NO_LIMIT for limit in limits])
    print_table([first, *map(limit_name, limits), "mean regret within the limits"], [
        [way, *(f"{value:.2f}" for value in mean), f"{(best - mean)[limited].mean():.2f}"]
        for way, mean in means.items()])
