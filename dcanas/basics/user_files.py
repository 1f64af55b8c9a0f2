"""A Python file of the user's own, which adds a space, a search, a constraint, proxies or the like to their registries.

The file is run as any script that the user runs: it is their code, and trusted like it. One that a run directory names
is run only if the user of this process names it as well. Nothing else that dcanas reads is ever executed.
"""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

from dcanas.basics.errors import UserError
from dcanas.basics.registry import USER_FILES, Registry
from dcanas.basics.typed_path import typed_path

T = TypeVar("T", bound=Callable[..., Any])


File = tuple[str, str, str]  # path, setting that names it, SHA-256

_loaded: dict[str, tuple[File, list[tuple[Registry[Any], Any]]]] = {}  # module -> file and what it added


def file_hash(path: Path | str, setting: str) -> str:
    """Return the SHA-256 of a user's file; raises `UserError` naming the setting if there is no such file."""
    path = typed_path(path)
    if not path.is_file():
        raise UserError(f"There is no file {path} ({setting}); give the path of a Python file.")
    return hashlib.sha256(path.read_bytes()).hexdigest()


def load_user_file(path: Path | str, setting: str, sha256: str | None = None) -> str:
    """Run a Python file, which registers what it defines, and return the name of its module.

    A file is run once for each content: one that was changed is run again, and what it defines takes the place of
    its earlier form.

    Args:
        path: the file.
        setting: the key that names the file, such as `space.file`, for messages.
        sha256: hash that the file must have; None: any.

    Raises:
        UserError: there is no such file, it has another hash, or it cannot be run; then nothing of it stays registered.
    """
    path = typed_path(path).absolute()
    found = file_hash(path, setting)
    if sha256 not in (None, found):
        raise _changed(path, setting)
    module = f"{USER_FILES}{found[:16]}"
    if module in _loaded:
        for registry, entry in _loaded[module][1]:
            registry.add(entry)
    else:
        _run(path, module)
        _loaded[module] = (str(path), setting, found), [(registry, registry[name]) for registry in Registry.families
                                                        for name in registry.made_by(module)]
    return module


def recorded_file(path: Path | str, setting: str, sha256: str | None) -> str:
    """Return the name of the module of a Python file that a run directory names; it is never run because of that.

    Args:
        path: where it was.
        setting: the key that names the file, such as `space.file`.
        sha256: hash of the file that the run was made with; None: of the file as it is.

    Raises:
        UserError: the user of this process has not named a file of that content.
    """
    path = typed_path(path)
    module = f"{USER_FILES}{(sha256 or file_hash(path, setting))[:16]}"
    if path.is_file() and sha256 not in (None, file_hash(path, setting)):
        raise _changed(path, setting)
    if module not in _loaded:
        raise UserError(f"The run was made with {path}, Python code that is run only if you name it: read it, then "
                        f"type {setting}={path}, or set DCANAS_PLUGINS to its path.")
    for registry, entry in _loaded[module][1]:
        registry.add(entry)
    return module


def load_only(registry: Registry[T], path: Path | str, setting: str, how: str, sha256: str | None = None) -> T:
    """Return the one member of `registry` that a Python file defines.

    Args:
        registry: the family.
        path, setting, sha256: as in `load_user_file`.
        how: what a definition looks like, such as "a class with the decorator @spaces.add".

    Raises:
        UserError: as `load_user_file`, and if the file defines none or several.
    """
    module = load_user_file(path, setting, sha256)
    found = registry.made_by(module)
    if len(found) != 1:
        forget_user_file(module)
        raise UserError(f"{path} must define exactly one {registry.kind}, {how}, and defines "
                        f"{', '.join(found) or 'none'}.")
    return registry[found[0]]


def files_of(modules: Iterable[str]) -> list[File]:
    """Return which of the modules are users' files, as arguments with which another process calls `load_user_file`."""
    return [_loaded[module][0] for module in modules if module in _loaded]


def loaded_files() -> list[File]:
    """Return all users' files of this process that are still what was loaded, as arguments with which another process
    calls `load_user_file`."""
    return [file for file, _ in _loaded.values()
            if Path(file[0]).is_file() and file_hash(file[0], file[1]) == file[2]]


def forget_user_file(module: str) -> None:
    """Take back all that the module of a user's file has registered."""
    for registry in Registry.families:
        registry.forget(module)
    _loaded.pop(module, None)
    sys.modules.pop(module, None)


def _changed(path: Path, setting: str) -> UserError:
    return UserError(f"{path} ({setting}) has changed since the run was made; restore it, or start a new run.")


def _run(path: Path, module: str) -> None:
    spec = importlib.util.spec_from_file_location(module, path)
    if spec is None or spec.loader is None:
        raise UserError(f"{path} is not a Python file; its name must end in .py.")
    made = importlib.util.module_from_spec(spec)
    sys.modules[module] = made
    try:
        spec.loader.exec_module(made)
    except UserError:
        forget_user_file(module)
        raise
    except Exception as error:  # the user's code may raise anything
        forget_user_file(module)
        raise UserError(f"{path} cannot be run as Python: {type(error).__name__}: {error}.") from error
