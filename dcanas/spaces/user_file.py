"""A space from the user's own Python file."""

from __future__ import annotations

from pathlib import Path

from dcanas.basics import user_files
from dcanas.basics.errors import UserError
from dcanas.spaces.space import Space
from dcanas.spaces.space_registry import load_space, spaces

SETTING = "space.file"


def load_space_file(path: Path | str) -> Space:
    """Return the space that a Python file defines, a class with `@spaces.add` (see docs/add-a-space.md).

    Raises:
        UserError: the file is missing, cannot be run, defines no space or several, or a class that lacks something.
    """
    made = user_files.load_only(spaces, path, SETTING, "a class with the decorator @spaces.add")
    try:
        _check(made, path)
    except UserError:
        user_files.forget_user_file(made.__module__)
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


def file_hash(path: Path | str) -> str:
    """Return the SHA-256 of a space's file; raises `UserError` if there is none."""
    return user_files.file_hash(path, SETTING)
