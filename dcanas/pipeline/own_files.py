"""Files of the user's own that settings name: `space.file`, `search.file`, `proxies.file`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dcanas.basics.errors import UserError
from dcanas.basics.own_file import load_stated
from dcanas.basics.typed_path import typed_path
from dcanas.basics.user_files import file_hash
from dcanas.search.searches import searches
from dcanas.spaces.user_file import load_space_file

GROUPS = ("space", "search", "proxies")
HOW = {"space": "a Python file that defines one space",
       "search": "a Python file that defines one search, a class with the decorator @searches.add"}


def own_files(values: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that follow from stated files, by dotted key, such as `search.name`, `search.file_sha256`.

    Args:
        values: all settings of a run, nested.
        changes: dotted key -> value, which win over `values`.

    Raises:
        UserError: a file is missing, cannot be run, defines nothing that can be chosen, or has changed since the run
            began.
    """
    found: dict[str, Any] = {}
    for group in GROUPS:
        typed, stated = changes.get(f"{group}.file"), values.get(group, {})
        if typed is not None:
            path = typed_path(str(typed)).resolve()
            stated = {"file": str(path), "file_sha256": file_hash(path, f"{group}.file")}
            found |= {f"{group}.{name}": value for name, value in stated.items()}
        module = load_stated(stated, group)
        if module is None and stated.get("name") == "file":
            raise UserError(f"{group}=file needs {group}.file=FILE.py, {HOW[group]}.")
        if typed is not None and group == "space":
            found["space.name"] = load_space_file(stated["file"]).name
        if typed is not None and group == "search":
            found |= _search_of(str(module), values["search"]["name"] == "file", str(typed))
    return found


def _search_of(module: str, needed: bool, path: str) -> dict[str, Any]:
    """Return the name of the search that a file defines; a file may define strategies or constraints instead."""
    made = searches.made_by(module)
    if len(made) > 1 or (needed and not made):
        raise UserError(f"{path} must define exactly one search, a class with the decorator @searches.add, and defines "
                        f"{', '.join(made) or 'none'}.")
    return {"search.name": made[0]} if made else {}
