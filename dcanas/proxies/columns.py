"""Columns of a CSV file with one architecture per row: published tables, or the user's own measurements."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from dcanas.basics.errors import UserError, unknown
from dcanas.hardware.latency.table_files import read_csv
from dcanas.spaces import Architecture, NotationError, Space

FAILED = -1e8  # NAS-Bench-Suite-Zero's mark of a score that could not be computed
LABELS = ("architecture", "index")


def read_columns(path: Path, space: Space) -> dict[str, dict[Architecture, float]]:
    """Return every numeric column of a CSV file (or .csv.gz) by the architectures in its column `architecture`.

    Cells that are empty, or hold nan or -1e8, are left out.

    Raises:
        UserError: the file is not such a table; the message names file and line.
    """
    header, rows = read_csv(path)
    names = [name for name in header if name not in LABELS]
    if not rows or "architecture" not in rows[0]:
        raise UserError(f"{path} has no column architecture with the networks in {space.name}'s notation; add it.")
    found: dict[str, dict[Architecture, float]] = {name: {} for name in names}
    for line, row in enumerate(rows, start=2):
        try:
            arch = space.parse(row["architecture"] or "")
        except NotationError as error:
            raise UserError(f"{path}, line {line}: {error}") from error
        for name in names:
            value = _number(row[name])
            if value is not None:
                found[name][arch] = value
    return {name: column for name, column in found.items() if column}


def read_column(path: Path, name: str, space: Space) -> dict[Architecture, float]:
    """Return one column; raises `UserError` with the nearest name if there is none."""
    columns = read_columns(path, space)
    if name not in columns:
        raise unknown(f"column of {path.name}", name, columns)
    return columns[name]


def read_architectures(path: Path, space: Space) -> list[Architecture]:
    """Return the different architectures of a text file, one per line, or of a CSV file's column `architecture`.

    Empty lines and lines that begin with # are passed over. Raises `UserError` naming file and line.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read as a list of architectures ({error}); give a text or CSV file."
                        ) from error
    header = next(csv.reader(lines[:1]), [])
    if "architecture" in header:
        texts = [(row["architecture"], i) for i, row in enumerate(csv.DictReader(lines), start=2)]
    else:
        texts = [(line, i) for i, line in enumerate(lines, start=1) if line.strip() and not line.startswith("#")]
    found: dict[Architecture, None] = {}
    for text, line in texts:
        try:
            found[space.parse(text or "")] = None
        except NotationError as error:
            raise UserError(f"{path}, line {line}: {error}") from error
    if not found:
        raise UserError(f"{path} lists no architecture; give one per line, in {space.name}'s notation.")
    return list(found)


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "nan")
    except ValueError:
        return None
    return None if np.isnan(value) or value <= FAILED else value
