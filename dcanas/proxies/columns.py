"""Columns of a CSV file with one architecture per row: published tables, or the user's own measurements."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

from dcanas.basics.errors import UserError, unknown
from dcanas.hardware.latency.strict_csv import is_text, number_of, read_csv
from dcanas.spaces import Architecture, NotationError, Space

FAILED = -1e8  # NAS-Bench-Suite-Zero's mark of a score that could not be computed
LABELS = ("architecture", "index")


def read_columns(path: Path, space: Space) -> dict[str, dict[Architecture, float]]:
    """Return every numeric column of a CSV file (or .csv.gz) by the architectures in its column `architecture`.

    Cells that are empty, or hold nan or -1e8, are left out, and so are columns of text.

    Raises:
        UserError: the file is not such a table; the message names file and line.
    """
    header, rows = read_csv(path)
    names = [name for name in header if name not in LABELS]
    if not rows or "architecture" not in header:
        raise UserError(f"{path} has no column architecture with the networks in {space.name}'s notation; add it.")
    names = [name for name in names if not is_text([row[name] for row in rows.values()])]
    found: dict[str, dict[Architecture, float]] = {name: {} for name in names}
    lines: dict[Architecture, int] = {}
    for line, row in rows.items():
        try:
            arch = space.parse(row["architecture"] or "")
        except NotationError as error:
            raise UserError(f"{path}, line {line}: {error}") from error
        if lines.setdefault(arch, line) != line:
            raise UserError(f"{path}, line {line} has the network of line {lines[arch]}; keep one of them.")
        for name in names:
            value = number_of(path, line, name, row[name])
            if value is not None and value > FAILED:
                found[name][arch] = value
    return {name: column for name, column in found.items() if column}


def read_column(path: Path, name: str | None, space: Space) -> tuple[str, dict[Architecture, float]]:
    """Return the name of a column and its numbers; says how many rows have none.

    Args:
        name: of the column; None: the only one.

    Raises:
        UserError: there is none of this name (the message has the nearest), or there are several.
    """
    columns = read_columns(path, space)
    if name is None and len(columns) > 1:
        raise UserError(f"{path} has several columns; choose one by column=NAME: {', '.join(columns)}.")
    chosen = next(iter(columns), "") if name is None else name
    if chosen not in columns:
        raise unknown(f"column of {path.name}", chosen, columns)
    rows = len(read_csv(path)[1])
    if missing := rows - len(columns[chosen]):
        warnings.warn(f"{path}: {missing:,} of {rows:,} rows have no {chosen} (empty, nan or {FAILED:g}) and are left "
                      "out.", stacklevel=2)
    return chosen, columns[chosen]


def read_architectures(path: Path, space: Space) -> list[Architecture]:
    """Return the different architectures of a text file, one per line, or of a CSV file's column `architecture`.

    Empty lines and lines that begin with # are passed over. Raises `UserError` naming file and line.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read as a list of architectures ({error}); give a text or CSV file."
                        ) from error
    if "architecture" in re.split(r"[,;\t\"]", "".join(lines[:1])):
        texts = [(row["architecture"], line) for line, row in read_csv(path, once=False)[1].items()]
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
