"""Files that are whole or absent, whatever happens while they are written."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from typing import Any

from dcanas.basics.errors import UserError


def write_bytes(path: Path | str, content: bytes) -> None:
    """Write a file so that a reader sees the old content or the new, never a part; the same content is left alone.

    Temporary file in the same folder, fsync, rename, fsync of the folder.
    Raises `UserError` if the folder cannot be written or the disk is full; the old content then stays.
    """
    path = Path(path)
    temporary: Path | None = None
    try:
        if path.is_file() and path.read_bytes() == content:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        directory = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    except OSError as error:
        raise UserError(
            f"Could not write {path} ({error.strerror}); what was there before is untouched: "
            "make room or choose another place, then run the same command again."
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def write_text(path: Path | str, text: str) -> None:
    """Write a text file whole (see `write_bytes`)."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path | str, value: Any) -> None:
    """Write a value as indented JSON, whole; NaN and infinity are refused: they are a status, not a number."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


def read_json(path: Path | str) -> Any:
    """Return the content of a JSON file; raises `UserError` if it is damaged."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is damaged ({error}); delete it and run the command again.") from error
