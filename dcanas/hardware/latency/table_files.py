"""Published tables as files: found, read and checked; nothing in them is executed."""

from __future__ import annotations

import csv
import gzip
import os
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dcanas.basics.errors import UserError

Array = NDArray[np.float64]
FEW = 5  # rows named in a message


def tables_folder() -> Path:
    """Return where published tables lie: the folder `DCANAS_TABLES` names, or `../shared/data` beside the checkout."""
    stated = os.environ.get("DCANAS_TABLES")
    folder = Path(stated).expanduser() if stated else default_folder()
    if not folder.is_dir():
        raise UserError(f"The published tables are not in {folder}; set DCANAS_TABLES to the folder that holds them "
                        "(the importers in tools/ make it from the public originals).")
    return folder


def default_folder() -> Path:
    """Return the default folder of the tables: `../shared/data` beside the checkout."""
    return Path(__file__).resolve().parents[4] / "shared" / "data"


def read_rows(path: Path, columns: Sequence[str], keys: Sequence[str]) -> dict[str, Array]:
    """Return numeric columns of a gzip-compressed CSV whose rows are `keys` in this order (column `architecture`).

    Raises `UserError` naming file and row or column where one is missing, doubled, in another order or no number.
    """
    found, table = read_columns(path, columns)
    if found != list(keys):
        raise UserError(f"{path} {_disorder(found, keys)}; import the table again.")
    return table


def read_columns(path: Path, columns: Sequence[str]) -> tuple[list[str], dict[str, Array]]:
    """Return the column `architecture` and numeric ones of a gzip-compressed CSV; raises `UserError` as `read_rows`."""
    try:
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            header = list(reader.fieldnames or ())
            rows = list(reader)
    except FileNotFoundError as error:
        raise UserError(f"The table {path} is missing; import it or set DCANAS_TABLES to the folder that holds it."
                        ) from error
    except (OSError, EOFError, UnicodeDecodeError, csv.Error, zlib.error) as error:
        raise UserError(f"{path} is no gzip-compressed CSV ({error}); import the table again.") from error
    missing = [name for name in ("architecture", *columns) if name not in header]
    if missing:
        raise UserError(f"{path} lacks the column{'s' if len(missing) > 1 else ''} {', '.join(missing)}; "
                        "import the table again.")
    table = {}
    for name in columns:
        try:
            table[name] = np.array([float(row[name]) for row in rows])
        except (TypeError, ValueError) as error:
            raise UserError(f"{path}: column {name} holds what is no number ({error}); import the table again."
                            ) from error
        if not np.isfinite(table[name]).all():
            raise UserError(f"{path}: column {name} holds NaN or infinity; import the table again.")
    return [row["architecture"] for row in rows], table


def read_arrays(path: Path, rows: int) -> dict[str, np.ndarray]:
    """Return the arrays of an npz file, each of `rows` rows; never unpickles.

    Raises `UserError` naming file and array where one has another length, holds objects or is not finite.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except FileNotFoundError as error:
        raise UserError(f"The table {path} is missing; import it or set DCANAS_TABLES to the folder that holds it."
                        ) from error
    except (OSError, ValueError, EOFError, KeyError, zlib.error, zipfile.BadZipFile) as error:
        raise UserError(f"{path} is no npz file of plain arrays ({error}); import the table again.") from error
    for name, array in arrays.items():
        if name == "blocks":
            continue
        if len(array) != rows:
            raise UserError(f"{path}: {name} has {len(array):,} rows instead of {rows:,}; import the table again.")
        if array.dtype.kind not in "fiu" or not np.isfinite(array).all():
            raise UserError(f"{path}: {name} holds what is no finite number; import the table again.")
    return arrays


def require_milliseconds(path: Path, name: str, values: Array) -> None:
    """Question latencies that look like another unit: raises `UserError` for a median no network of images has."""
    median = float(np.median(values))
    if not 0.05 <= median <= 60_000:
        raise UserError(f"{path}: {name} should be milliseconds, but its median is {median:.3g}: it looks like "
                        f"{'seconds' if median < 0.05 else 'nanoseconds or microseconds'}; convert it.")


def _disorder(found: Sequence[str], keys: Sequence[str]) -> str:
    if len(found) != len(keys):
        return f"has {len(found):,} rows instead of {len(keys):,}"
    first = next(i for i, (a, b) in enumerate(zip(found, keys, strict=True)) if a != b)
    return f"is in another order: row {first} is {found[first]!r} instead of {keys[first]!r}"
