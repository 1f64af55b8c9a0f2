"""Folders of results that belong to a key: another key gets a folder beside, so that nothing is overwritten."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from dcanas.basics.files import json_text
from dcanas.basics.manifest import set_aside, was_written_as, write_result
from dcanas.report.kinds import read_result


def keyed_folder(root: Path, folder: Path, key: str, message: Callable[[str], None]) -> Path:
    """Return the folder of results with a key, which its `key.json` names.

    Args:
        root: the run directory.
        folder: wanted; if another key has it, the folder is beside.
        key: of everything that the results depend on.
        message: told if `key.json` was damaged and is made again.

    Raises:
        UserError: the key of another result is damaged.
    """
    mark, own = folder / "key.json", {"key": key}
    if mark.exists() and was_written_as(root, mark, own):
        if mark.read_text(encoding="utf-8", errors="replace") != json_text(own):
            message(f"{mark} was changed since it was written: it is made again, what was there is kept as "
                    f"{set_aside(mark).name}.")
    elif mark.exists() and read_result(mark)["key"] != key:
        folder = folder.with_name(f"{folder.name}-{key}")
        mark = folder / "key.json"
    if not mark.exists():
        write_result(root, mark, own, "run")
    return folder
