"""Published tables as the studies need them: by notation, or by member of NAS-Bench-201 in canonical order."""

from __future__ import annotations

import numpy as np

from dcanas.benchmarks.table_problem import make_problem
from dcanas.hardware.latency.table_files import read_columns, tables_folder

NO_LIMIT = "params:10000000"  # more than any member has


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
