"""Published tables as files: found, read and checked; nothing in them is executed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dcanas.basics.array_file import FAULTS, require_as_said
from dcanas.basics.errors import UserError
from dcanas.basics.typed_path import typed_path
from dcanas.hardware.latency.how_made import how_made
from dcanas.hardware.latency.strict_csv import LARGEST, number_of, read_csv

Array = NDArray[np.float64]


def tables_folder(table: str = "") -> Path:
    """Return where published tables lie: the folder `DCANAS_TABLES` names, or `../shared/data` beside the checkout.

    Args:
        table: name of the file that is wanted there, for the message.

    Raises:
        UserError: there is no such folder.
    """
    stated = os.environ.get("DCANAS_TABLES")
    folder = typed_path(stated) if stated else default_folder()
    if not folder.is_dir():
        made = how_made(table, "FOLDER") or " (the importers in tools/ make it from the public originals)"
        raise UserError(f"The published tables are not in {folder}; set DCANAS_TABLES to the folder that holds them"
                        f"{made}.")
    return folder


def default_folder() -> Path:
    """Return the default folder of the tables: `../shared/data` beside the checkout."""
    return Path(__file__).resolve().parents[4] / "shared" / "data"


def read_rows(path: Path, columns: Sequence[str], keys: Sequence[str]) -> dict[str, Array]:
    """Return numeric columns of a CSV file.

    Args:
        columns: names of the columns.
        keys: the column `architecture`, in this order.

    Returns:
        Per column an array. Shape: (rows,).

    Raises:
        UserError: a row or column is missing, doubled, in another order or not numeric; the message names it.
    """
    found, table = read_columns(path, columns)
    if found != list(keys):
        raise UserError(f"{path} {_disorder(found, keys)}; import the table again.")
    return table


def read_columns(path: Path, columns: Sequence[str]) -> tuple[list[str], dict[str, Array]]:
    """Return the column `architecture` and numeric ones of a CSV file; raises `UserError` as `read_rows`."""
    header, rows = read_csv(path)
    missing = [name for name in ("architecture", *columns) if name not in header]
    if missing:
        raise UserError(f"{path} lacks the column{'s' if len(missing) > 1 else ''} {', '.join(missing)}; "
                        "import the table again.")
    table = {}
    for name in columns:
        numbers = [number_of(path, line, name, row[name]) for line, row in rows.items()]
        if None in numbers:
            line = list(rows)[numbers.index(None)]
            raise UserError(f"{path}, line {line}: column {name} holds no number; import the table again.")
        table[name] = np.array(numbers, dtype=float)
    return [row["architecture"] for row in rows.values()], table


def read_arrays(path: Path, rows: int) -> dict[str, np.ndarray]:
    """Return the arrays of an npz file, each of `rows` rows; never unpickles.

    Raises:
        UserError: an array has another length, holds objects or is not finite; the message names it.
    """
    try:
        require_as_said(path, LARGEST)
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except FileNotFoundError as error:
        raise UserError(f"There is no table {path}; import it, set DCANAS_TABLES to the folder of published tables, or "
                        f"give another file{how_made(path.name, path.parent)}.") from error
    except FAULTS as error:
        raise UserError(f"{path} is not an npz file of plain arrays ({error}); import the table again.") from error
    for name, array in arrays.items():
        if name == "blocks":
            continue
        if len(array) != rows:
            raise UserError(f"{path}: {name} has {len(array):,} rows instead of {rows:,}; import the table again.")
        if array.dtype.kind not in "fiu" or not np.isfinite(array).all():
            raise UserError(f"{path}: {name} holds a value that is not a finite number; import the table again.")
    return arrays


def require_milliseconds(path: Path, name: str, values: Array) -> None:
    """Raise `UserError` if the latencies look like another unit: no network has such a median in ms. Shape: (n,)."""
    median = float(np.median(values))
    if not 0.05 <= median <= 60_000:
        raise UserError(f"{path}: {name} should be milliseconds, but its median is {median:.3g}: it looks like "
                        f"{'seconds' if median < 0.05 else 'nanoseconds or microseconds'}; convert it.")


def _disorder(found: Sequence[str], keys: Sequence[str]) -> str:
    if len(found) != len(keys):
        return f"has {len(found):,} rows instead of {len(keys):,}"
    first = next(i for i, (a, b) in enumerate(zip(found, keys, strict=True)) if a != b)
    return f"is in another order: row {first} is {found[first]!r} instead of {keys[first]!r}"
