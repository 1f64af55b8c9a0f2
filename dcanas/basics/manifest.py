"""The manifest of a run directory: the SHA-256 of every result, held against the files whenever they are used.

It finds rot and mix-ups, not forgery: who changes a file on purpose can change the manifest beside it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path, PurePosixPath
from threading import Lock
from typing import Any

from dcanas.basics.errors import UserError
from dcanas.basics.files import json_text, read_json, sha256_of, write_json, write_text

MANIFEST = "manifest.json"
_lock = Lock()  # several devices are measured at once


@dataclass(frozen=True)
class Result:
    """What one stage made.

    Attributes:
        done: path of the file that is written last, relative to the run directory.
        stage: name of the stage.
        files: SHA-256 by path, that of `done` included.
    """

    done: str
    stage: str
    files: dict[str, str]

    def damaged(self, root: Path) -> list[Path]:
        """Return the files that are not as they were written, and those that are missing beside `done`."""
        there = (root / self.done).exists()
        return [root / name for name, known in self.files.items()
                if ((root / name).exists() or (there and name != self.done)) and not _is(root / name, known)]


def read_manifest(root: Path) -> list[Result]:
    """Return the results that the manifest of a run directory names; none if there is no manifest, as in older runs.

    Raises `UserError` if the manifest is damaged.
    """
    path = root / MANIFEST
    if not path.is_file():
        return []
    return [Result(done, entry["stage"], entry["files"]) for done, entry in _entries(path).items()]


def write_result(root: Path, done: Path, value: Any, stage: str, beside: Sequence[Path] = ()) -> None:
    """Write the JSON file that completes a stage, and its SHA-256 and those of the files beside it into the manifest.

    The manifest comes first: should the writing be cut off there, the stage counts as not done.
    """
    content = json_text(value)
    own = hashlib.sha256(content.encode("utf-8")).hexdigest()
    _put(root, done, stage, {_name(root, done): own, **{_name(root, path): sha256_of(path) for path in beside}})
    write_text(done, content)


def note_files(root: Path, done: Path, stage: str, beside: Sequence[Path] = ()) -> None:
    """Write the SHA-256 of files that exist into the manifest; done: the one that was written last."""
    _put(root, done, stage, {_name(root, path): sha256_of(path) for path in (done, *beside)})


def was_written_as(root: Path, done: Path, value: Any) -> bool:
    """Return whether the manifest says that a JSON file was written with this value, whatever it holds now."""
    known = next((result for result in read_manifest(root) if result.done == _name(root, done)), None)
    content = json_text(value).encode("utf-8")
    return known is not None and known.files[known.done] == hashlib.sha256(content).hexdigest()


def forget(root: Path, done: str) -> None:
    """Take a result out of the manifest."""
    with _lock:
        entries = _entries(root / MANIFEST)
        entries.pop(done, None)
        write_json(root / MANIFEST, entries)


def damaged_files(root: Path) -> Iterator[tuple[Result, Path]]:
    """Yield every file of a run directory that is not as its stage wrote it, with the result that it belongs to."""
    for result in read_manifest(root):
        for path in result.damaged(root):
            yield result, path


def require_whole(root: Path, again: str, apart_from: str = "") -> None:
    """Raise `UserError` if a result is not as its stage wrote it.

    Args:
        again: the command that makes it again.
        apart_from: a result that is not looked at.
    """
    found = [(result, path) for result, path in damaged_files(root) if result.done != apart_from]
    if found:
        result, path = found[0]
        more = f", and {len(found) - 1} more files" if len(found) > 1 else ""
        raise UserError(f"{path} {what_happened(path)} since {result.stage} wrote it{more}: its results are not shown; "
                        f"`{again}` makes it again or says what that costs.")


def set_aside(path: Path, word: str = "damaged") -> Path:
    """Rename a file or folder to NAME.damaged, or if that exists NAME.damaged-2 and so on; return the new path."""
    names = (f"{path.name}.{word}{f'-{number}' if number > 1 else ''}" for number in count(1))
    kept = next(path.with_name(name) for name in names if not path.with_name(name).exists())
    path.rename(kept)
    return kept


def what_happened(path: Path) -> str:
    """Return in words what is wrong with a file that a manifest names."""
    return "was changed (its SHA-256 is another)" if path.exists() else "was removed"


def _put(root: Path, done: Path, stage: str, files: dict[str, str]) -> None:
    with _lock:
        path = root / MANIFEST
        entries = _entries(path) if path.is_file() else {}
        write_json(path, {**entries, _name(root, done): {"stage": stage, "files": files}})


def _entries(path: Path) -> dict[str, Any]:
    entries = read_json(path)
    if not isinstance(entries, dict) or not all(map(_is_entry, entries.values())):
        raise UserError(f"{path} is damaged; delete it, and the results of the run count as not checked.")
    return entries


def _is_entry(entry: Any) -> bool:
    files = entry.get("files") if isinstance(entry, dict) else None
    return isinstance(files, dict) and isinstance(entry.get("stage"), str) \
        and all(isinstance(known, str) and ".." not in PurePosixPath(name).parts and not PurePosixPath(name).root
                for name, known in files.items())


def _is(path: Path, known: str) -> bool:
    return path.is_file() and sha256_of(path) == known


def _name(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix()
