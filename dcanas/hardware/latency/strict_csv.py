"""The one reader of CSV tables: encoding and separator are detected and said, what is ambiguous is refused by line."""

from __future__ import annotations

import csv
import gzip
import io
import re
import warnings
import zlib
from collections.abc import Sequence
from pathlib import Path

from dcanas.basics.errors import UserError
from dcanas.hardware.latency.how_made import how_made

LARGEST = 128 << 20  # bytes of a table, unfolded
KEY = "architecture"  # the column that names the networks: none twice
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs"}
ENCODINGS = ((b"\xef\xbb\xbf", "utf-8-sig", "UTF-8 with a byte-order mark"), (b"\xff\xfe", "utf-16", "UTF-16"),
             (b"\xfe\xff", "utf-16", "UTF-16"))
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
ALMOST = re.compile(r"[+-]?[\d.,_'’\s]*\d[\d.,_'’\seE+-]*\s*%?|[+-]?inf(inity)?", re.IGNORECASE)
NOT_AVAILABLE = ("", "nan")
TOO_LARGE = 1e150  # the square of a larger one is no number


def read_csv(path: Path, once: bool = True) -> tuple[list[str], dict[int, dict[str, str]]]:
    """Return header and rows, by line, of a CSV file, compressed by gzip if its name ends in .gz.

    Says in a warning if it is not UTF-8 with commas.

    Args:
        once: whether a network may stand in one line only.

    Raises:
        UserError: there is no such file, it is not a CSV file, it has a column or a network twice, or a line has
            another number of cells than the header.
    """
    text, encoding = _decoded(path, _content(path))
    first = text.partition("\n")[0]
    separator = max(SEPARATORS, key=lambda mark: (KEY in next(csv.reader([first], delimiter=mark), []),
                                                  first.count(mark), mark == ","))
    if encoding != "UTF-8" or separator != ",":
        warnings.warn(f"{path} is read as {encoding}, its cells separated by {SEPARATORS[separator]}.", stacklevel=2)
    try:
        lines = _lines(text, separator)
    except csv.Error as error:
        raise UserError(f"{path} is not a CSV table ({error}); import it again, or give another file.") from error
    if not lines:
        raise UserError(f"{path} is empty; give a CSV table with a line of column names.")
    (_, header), *rest = lines
    for name in header:
        if not name or header.count(name) > 1:
            raise UserError(f"{path} has {f'the column {name!r} twice' if name else 'a column without a name'}; give "
                            "every column a name of its own.")
    for line, cells in rest:
        if len(cells) != len(header):
            raise UserError(f"{path}, line {line} has {len(cells)} cells instead of {len(header)}, separated by "
                            f"{SEPARATORS[separator]}; quote cells that hold one, or correct the line.")
    rows = {line: dict(zip(header, cells, strict=True)) for line, cells in rest}
    seen: dict[str, int] = {}
    for line, row in rows.items():
        if once and KEY in row and seen.setdefault(row[KEY], line) != line:
            raise UserError(f"{path}, line {line} has {row[KEY]}, which line {seen[row[KEY]]} has too; keep one of "
                            "them.")
    return header, rows


def number_of(path: Path, line: int, column: str, cell: str) -> float | None:
    """Return the number in a cell, None if it says "not available" (empty or nan).

    Raises:
        UserError: it holds anything else; the message names file, line and column.
    """
    text = cell.strip()
    if text.lower() in NOT_AVAILABLE:
        return None
    if not NUMBER.fullmatch(text):
        hint = "write a decimal point" if re.fullmatch(r"[+-]?\d+,\d+", text) else "write a plain decimal number"
        if "inf" in text.lower():
            hint = "leave it empty if the number is not available"
        raise UserError(f"{path}, line {line}: column {column} holds {cell!r}, which is not a number; {hint}.")
    if abs(value := float(text)) > TOO_LARGE:
        raise UserError(f"{path}, line {line}: column {column} holds {cell!r}, which is too large to compute with; "
                        "leave it empty if the number is not available.")
    return value


def is_text(cells: Sequence[str]) -> bool:
    """Return whether a column is meant as text: no cell is a number or looks like one."""
    return not any(ALMOST.fullmatch(cell.strip()) for cell in cells)


def _content(path: Path) -> bytes:
    try:
        with (gzip.open if path.suffix == ".gz" else open)(path, "rb") as file:
            content: bytes = file.read(LARGEST + 1)
    except FileNotFoundError as error:
        raise UserError(f"There is no table {path}; import it, set DCANAS_TABLES to the folder of published tables, or "
                        f"give another file{how_made(path.name, path.parent)}.") from error
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path} is not a CSV table ({error}); import it again, or give another file.") from error
    if len(content) > LARGEST:
        raise UserError(f"{path} is larger than {LARGEST >> 20} MiB unfolded, which no table is; give another file.")
    return content


def _decoded(path: Path, content: bytes) -> tuple[str, str]:
    codec, name = next((row[1:] for row in ENCODINGS if content.startswith(row[0])), ("utf-8", "UTF-8"))
    try:
        text = content.decode(codec)
    except UnicodeDecodeError as error:
        line = content[:error.start].count(b"\n") + 1
        raise UserError(f"{path} is not a CSV table in {name} (line {line} holds the byte "
                        f"{content[error.start]:#04x}); save it as UTF-8.") from error
    if "\0" in text:
        raise UserError(f"{path} is not a CSV table (it holds a zero byte); import it again, or give another file.")
    return text, name


def _lines(text: str, separator: str) -> list[tuple[int, list[str]]]:
    """Return the line number and the cells of every line that is not empty."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    return [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader if cells]
