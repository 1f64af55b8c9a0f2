"""Results as lines of JSON, each appended as soon as it is known, so that a study that was stopped goes on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dcanas.basics.errors import UserError
from dcanas.basics.files import write_bytes


def read_rows(path: Path, keys: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Return the rows of a file, none if there is no file; a last line that was cut off is removed from it.

    Raises `UserError` if a line is damaged or lacks one of `keys`.
    """
    content = path.read_bytes() if path.exists() else b""
    whole = content[:content.rfind(b"\n") + 1]
    try:
        rows = [json.loads(line) for line in whole.splitlines()]
    except ValueError as error:
        raise UserError(f"{path} is damaged ({error}); delete it or choose another out=.") from error
    if any(not isinstance(row, dict) or any(key not in row for key in keys) for row in rows):
        raise UserError(f"{path} holds other results (of rows with {', '.join(keys)}); choose another out=.")
    if whole != content:
        write_bytes(path, whole)
    return rows


def append_row(path: Path, row: Mapping[str, Any]) -> None:
    """Append one row."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")
