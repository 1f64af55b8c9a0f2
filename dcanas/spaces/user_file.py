"""A space from the user's own Python file."""

from __future__ import annotations

from pathlib import Path

from dcanas.basics.errors import UserError
from dcanas.basics.user_files import forget_user_file, load_only
from dcanas.spaces.space import Space
from dcanas.spaces.space_registry import load_space, spaces


def load_space_file(path: Path | str, sha256: str | None = None) -> Space:
    """Return the space that a Python file defines, a class with `@spaces.add` (see docs/add-a-space.md).

    Args:
        path: the file.
        sha256: hash that the file must have; None: any.

    Raises:
        UserError: the file is missing, has another hash, cannot be run, defines no space or several, or a class that
            lacks something.
    """
    made = load_only(spaces, path, "space.file", "a class with the decorator @spaces.add", sha256)
    try:
        _check(made, path)
    except UserError:
        forget_user_file(made.__module__)
        raise
    return load_space(made.name)


def _check(made: type[Space], path: Path | str) -> None:
    missing = sorted(getattr(made, "__abstractmethods__", ()))
    missing += [name for name in ("name", "slots", "search_skeleton", "final_skeleton") if not hasattr(made, name)]
    if missing:
        raise UserError(f"The space {made.__name__} of {path} lacks {', '.join(missing)}; docs/add-a-space.md shows a "
                        "whole one.")
    if made.__name__.lower() != made.name.replace("_", ""):  # people look for the class by the space's name
        raise UserError(f"The space {made.__name__} of {path} says name = {made.name!r}; give the class and its name "
                        "the same name.")
