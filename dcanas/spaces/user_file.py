"""A space from the user's own Python file.

The file is run as any script that the user runs: it is their code, and trusted like it. Nothing else that dcanas reads
is ever executed.
"""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from pathlib import Path

from dcanas.basics.errors import UserError
from dcanas.spaces.space import USER_FILES, Space, load_space, spaces


def load_space_file(path: Path | str) -> Space:
    """Return the space that a Python file defines, a class with `@spaces.add` (see docs/add-a-space.md).

    A file that was loaded before with the same content is not run again; one that was changed is, and takes the place
    of its earlier form. Raises `UserError` for a file that is
    missing, cannot be run, defines no space or several, or a class that lacks something.
    """
    path = Path(path).expanduser()
    module = f"{USER_FILES}{file_hash(path)[:16]}"
    if not any(spaces[name].__module__ == module for name in spaces):
        _run(path, module)
        try:
            return _the_one(path, module)
        except UserError:
            spaces.forget(module)
            raise
    return _the_one(path, module)


def _the_one(path: Path, module: str) -> Space:
    found = [name for name in spaces if spaces[name].__module__ == module]
    if len(found) != 1:
        raise UserError(f"{path} must define exactly one space, a class with the decorator @spaces.add, and defines "
                        f"{', '.join(found) or 'none'}.")
    made = spaces[found[0]]
    missing = sorted(getattr(made, "__abstractmethods__", ()))
    missing += [name for name in ("name", "slots", "search_skeleton", "final_skeleton") if not hasattr(made, name)]
    if missing:
        raise UserError(f"The space {found[0]} of {path} lacks {', '.join(missing)}; docs/add-a-space.md shows a whole "
                        "one.")
    if made.name != found[0]:  # architectures carry `name`, and later stages find the space by it
        raise UserError(f"The space {found[0]} of {path} says name = {made.name!r}; give the class and "
                        "its name the same name.")
    return load_space(found[0])


def file_hash(path: Path | str) -> str:
    """Return the SHA-256 of a space's file; raises `UserError` where there is none."""
    path = Path(path).expanduser()
    if not path.is_file():
        raise UserError(f"There is no file {path} (space.file); give a Python file that defines a space.")
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _run(path: Path, module: str) -> None:
    spec = importlib.util.spec_from_file_location(module, path)
    if spec is None or spec.loader is None:
        raise UserError(f"{path} is no Python file; its name must end in .py.")
    made = importlib.util.module_from_spec(spec)
    sys.modules[module] = made
    try:
        spec.loader.exec_module(made)
    except Exception as error:  # whatever is wrong with the user's code is told in one sentence
        spaces.forget(module)
        if isinstance(error, UserError):
            raise
        raise UserError(f"{path} cannot be run as Python: {type(error).__name__}: {error}.") from error
