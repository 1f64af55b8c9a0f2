"""Files that are whole or absent, whatever happens while they are written."""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
from pathlib import Path
from typing import Any

from dcanas.basics.errors import UserError

JSON_BYTES, JSON_VALUES = 64 << 20, 4_000_000  # of the largest file that is read; what it becomes stays below 500 MB
FOLDERS_OPEN = os.name != "nt"  # Windows opens no folder to write out its names
YAML_BYTES, YAML_NODES, YAML_DEPTH = 64 << 10, 100_000, 100


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
        _sync_folder(path.parent)
    except OSError as error:
        raise UserError(
            f"Could not write {path} ({error.strerror}); what was there before is untouched: "
            "make room or choose another place, then run the same command again."
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Let a renaming in a folder outlast a loss of power."""
    if not FOLDERS_OPEN:
        return
    directory = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def write_text(path: Path | str, text: str) -> None:
    """Write a text file whole (see `write_bytes`)."""
    write_bytes(path, text.encode("utf-8"))


def json_text(value: Any) -> str:
    """Return a value as indented JSON; NaN and infinity are refused: they are a status, not a number."""
    return json.dumps(value, indent=2, allow_nan=False) + "\n"


def write_json(path: Path | str, value: Any) -> None:
    """Write a value as indented JSON, whole (see `json_text`)."""
    write_text(path, json_text(value))


def read_json(path: Path | str, most: int = JSON_BYTES) -> Any:
    """Return the content of a JSON file.

    Raises `UserError` if it is damaged, holds NaN or infinity, or is larger than `most` bytes or `JSON_VALUES` values.
    """
    content = read_bounded(path, most)
    if sum(map(content.count, (b",", b"[", b"{"))) > JSON_VALUES:
        raise UserError(f"{path} holds more than {JSON_VALUES:,} values, more than any file of dcanas; move it away.")
    try:
        return json.loads(content.decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        reason = "too deeply nested" if isinstance(error, RecursionError) else error
        raise UserError(f"{path} is damaged ({reason}); delete it and run the command again.") from error


def read_yaml(path: Path | str, most: int = YAML_BYTES) -> Any:
    """Return the content of a YAML file of plain values; nothing in it is executed.

    Raises `UserError` if it cannot be read, is larger than `most` bytes, or unfolds into more than `YAML_NODES` values
    by references within it.
    """
    import yaml  # here: composing settings for the shell's completion takes none

    content = read_bounded(path, most)
    if _nested(content) > YAML_DEPTH:
        raise UserError(f"{path} is not valid YAML (too deeply nested); correct it.")
    try:
        loader = yaml.SafeLoader(content.decode("utf-8"))
        node = loader.get_single_node()
        if node is None:
            return None
        if _unfolded(node, {}) > YAML_NODES:
            raise UserError(f"{path} unfolds into more than {YAML_NODES:,} values by references (*name); write them "
                            "out.")
        return loader.construct_document(node)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = "too deeply nested" if isinstance(error, RecursionError) else " ".join(str(error).split())
        raise UserError(f"{path} is not valid YAML ({reason}); correct it.") from error


def read_bounded(path: Path | str, most: int) -> bytes:
    """Return the content of a file; raises `UserError` if it cannot be read or is larger than `most` bytes."""
    try:
        with Path(path).open("rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}).") from error
    if len(content) > most:
        raise UserError(f"{path} is larger than {most >> 10:,} KiB, more than a file of its kind may be; move it away.")
    return content


def sha256_of(path: Path | str) -> str:
    """Return the SHA-256 of a file; raises `UserError` if it cannot be read."""
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}).") from error


def _nested(content: bytes) -> int:
    """Return about how many lists and dictionaries of a YAML file lie within each other, before any of it is parsed."""
    depth = deepest = 0
    for mark in re.findall(rb"[\[{\]}]", content):
        depth += 1 if mark in b"[{" else -1
        deepest = max(deepest, depth)
    return max(deepest, *(line.count(b"- ") + line.count(b"? ") for line in content.splitlines() or [b""]))


def _unfolded(node: Any, counts: dict[int, int]) -> int:
    """Return the number of values below a YAML node, each reference counted with all below it."""
    if id(node) not in counts:
        counts[id(node)] = YAML_NODES + 1  # until it is known: what refers to itself never ends
        parts = node.value if isinstance(node.value, list) else []
        inner = [part for entry in parts for part in (entry if isinstance(entry, tuple) else (entry,))]
        counts[id(node)] = 1 + sum(_unfolded(part, counts) for part in inner)
    return counts[id(node)]


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a number")
