"""Files of scores computed here (`score_proxies`): read together, or spread over all members of NAS-Bench-201."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dcanas.basics.errors import UserError
from dcanas.benchmarks.table_problem import make_problem
from dcanas.proxies.rank_aggregation import oriented
from dcanas.proxies.table import Row, columns, read_table
from tools.tables import NO_LIMIT


def merged(paths: Sequence[Path]) -> tuple[list[str], dict[str, np.ndarray], list[Row]]:
    """Return notations, scores (larger is better) and rows of the networks that all files hold, by position.

    Raises `UserError` if a file was made with other images, weights or networks than the first.
    """
    headers, tables, _ = zip(*map(read_table, paths), strict=True)
    found = {row["position"]: row for row in tables[0]}
    for path, header, rows in zip(paths[1:], headers[1:], tables[1:], strict=True):
        different = [key for key in header if key != "names" and header[key] != headers[0][key]]
        if different:
            raise UserError(f"{path} was made with another {different[0]} than {paths[0]}; give files of one setting.")
        found = {row["position"]: row | {key: found[row["position"]][key] | row[key] for key in ("scores", "seconds")}
                 for row in rows if row["position"] in found}
    rows = [found[position] for position in sorted(found)]
    values = columns(rows, [name for header in headers for name in header["names"]])
    return ([row["architecture"] for row in rows],
            {name: oriented(name, column) for name, column in values.items()}, rows)


def of_members(path: Path) -> dict[str, np.ndarray]:
    """Return the scores of a file of all classes of equal networks (`networks=0`) by member. Shape: (members,)."""
    problem = make_problem(NO_LIMIT)
    texts, values, _ = merged([path])
    place = {problem.space.canonical(problem.space.parse(text)): i for i, text in enumerate(texts)}
    at = [place[problem.space.canonical(problem.architecture(i))] for i in range(len(problem.choices))]
    return {name: column[at] for name, column in values.items()}
