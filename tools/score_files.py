"""Files of scores computed here (`score_proxies`): read together, or spread over all members of NAS-Bench-201."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dcanas.basics.errors import UserError
from dcanas.benchmarks.table_problem import make_problem
from dcanas.proxies.table import Row, columns, read_table
from dcanas.proxies.votes import oriented
from tools.tables import NO_LIMIT


def rows_of(path: Path) -> tuple[Row, list[Row]]:
    """Return the header and the rows of a file, by position."""
    header, rows, _ = read_table(path)
    return header, sorted(rows, key=lambda row: row["position"])


def merged(paths: Sequence[Path]) -> tuple[list[str], dict[str, np.ndarray], list[Row]]:
    """Return notations, scores (larger is better) and rows of the networks that all files hold, by position.

    Raises `UserError` if a file was made with other images, weights or networks than the first.
    """
    header, first = rows_of(paths[0])
    found, names = {row["position"]: row for row in first}, list(header["names"])
    for path in paths[1:]:
        other, rows = rows_of(path)
        different = [key for key in header if key != "names" and header[key] != other[key]]
        if different:
            raise UserError(f"{path} was made with another {different[0]} than {paths[0]}; give files of one setting.")
        names += other["names"]
        found = {row["position"]: row | {key: found[row["position"]][key] | row[key] for key in ("scores", "seconds")}
                 for row in rows if row["position"] in found}
    kept = [found[position] for position in sorted(found)]
    values = {name: oriented(name, column) for name, column in columns(kept, names).items()}
    return [row["architecture"] for row in kept], values, kept


def of_members(path: Path) -> dict[str, np.ndarray]:
    """Return the scores of a file of all classes of equal networks (`networks=0`) by member. Shape: (members,)."""
    problem = make_problem(NO_LIMIT)
    texts, values, _ = merged([path])
    place = {problem.space.canonical(problem.space.parse(text)): i for i, text in enumerate(texts)}
    at = [place[problem.space.canonical(problem.architecture(i))] for i in range(len(problem.choices))]
    return {name: column[at] for name, column in values.items()}
