"""Files of the user's own that settings name: `space.file`, `search.file`, `proxies.file`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dcanas.basics.errors import UserError
from dcanas.basics.keys import plain
from dcanas.basics.own_file import GROUPS, stated_module
from dcanas.basics.typed_path import typed_path
from dcanas.basics.user_files import File, file_hash, load_user_file, recorded_file
from dcanas.pipeline.settings import Settings
from dcanas.search.searches import searches
from dcanas.spaces import Space, load_space, load_space_file

HOW = {"space": "a Python file that defines one space",
       "search": "a Python file that defines one search, a class with the decorator @searches.add"}


def load_own_files(changes: Mapping[str, Any]) -> None:
    """Run the files that the user names, by dotted key such as `space.file`; raises as `load_user_file` does."""
    for key in (f"{group}.file" for group in GROUPS):
        if changes.get(key) is not None:
            load_user_file(typed_path(str(changes[key])).resolve(), key)


def own_files(values: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that follow from stated files, by dotted key, such as `search.name`, `search.file_sha256`.

    Args:
        values: all settings of a run, nested.
        changes: dotted key -> value, which win over `values`; the files among them are run.

    Raises:
        UserError: a file is missing, cannot be run, defines nothing that can be chosen, has changed since the run
            began, or only the run names it.
    """
    load_own_files(changes)
    found: dict[str, Any] = {}
    for group in GROUPS:
        typed, stated = changes.get(f"{group}.file"), values.get(group, {})
        if typed is not None:
            path = typed_path(str(typed)).resolve()
            stated = {"file": str(path), "file_sha256": file_hash(path, f"{group}.file")}
            found |= {f"{group}.{name}": value for name, value in stated.items()}
        module = stated_module(stated, group)
        if module is None and stated.get("name") == "file":
            raise UserError(f"{group}=file needs {group}.file=FILE.py, {HOW[group]}.")
        if typed is not None and group == "space":
            found["space.name"] = load_space_file(stated["file"]).name
        if typed is not None and group == "search":
            found |= _search_of(str(module), values["search"]["name"] == "file", str(typed))
    return found


def files_named_in(settings: Settings) -> list[File]:
    """Return the files that the settings of a run name, as arguments with which another process calls `load_user_file`.
    """
    groups = {group: plain(getattr(settings, group)) for group in GROUPS}
    return [(its["file"], f"{group}.file", its["file_sha256"]) for group, its in groups.items() if its.get("file")]


def run_space(settings: Settings) -> Space:
    """Return the run's space; raises `UserError` if the user's file has changed since the run began, or if only the run
    names it."""
    stated = settings.space
    if stated.file is None:
        return load_space(stated.name)
    recorded_file(stated.file, "space.file", stated.file_sha256)
    return load_space_file(stated.file)


def _search_of(module: str, needed: bool, path: str) -> dict[str, Any]:
    """Return the name of the search that a file defines; a file may define strategies or constraints instead."""
    made = searches.made_by(module)
    if len(made) > 1 or (needed and not made):
        raise UserError(f"{path} must define exactly one search, a class with the decorator @searches.add, and defines "
                        f"{', '.join(made) or 'none'}.")
    return {"search.name": made[0]} if made else {}
