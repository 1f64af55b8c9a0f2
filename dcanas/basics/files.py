"""Files that are whole or absent, whatever happens while they are written."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from dcanas.basics.errors import UserError


def write_bytes(path: Path | str, content: bytes) -> None:
    """Write a file so that a reader sees the old content or the new, never a part.

    Temporary file in the same folder, fsync, rename, fsync of the folder.
    Raises `UserError` where the disk is full or the file may not grow; the old content then stays.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise UserError(
            f"Could not write {path} ({error.strerror}); what was there before is untouched: "
            "make room or choose another run.dir, then run the same command again."
        ) from error
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def write_text(path: Path | str, text: str) -> None:
    """Write a text file whole (see `write_bytes`)."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path | str, value: Any) -> None:
    """Write a value as indented JSON, whole; NaN and infinity are refused: they are a status, not a number."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


def read_json(path: Path | str) -> Any:
    """Read a JSON file; a damaged one is the user's to know."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is damaged ({error}); delete it and run the command again.") from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
