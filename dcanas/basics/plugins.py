"""Plug-ins: Python files and importable modules that add to the registries, several at once.

A plug-in is code, and it is run only if the user of this process names it. What it registers becomes part of every key
in whose settings one of its names stands.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module, metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from dcanas.basics.errors import UserError
from dcanas.basics.registry import Registry
from dcanas.basics.typed_path import typed_path
from dcanas.basics.user_files import forget_user_file, load_user_file

SETTING, GROUP = "plugins", "dcanas.plugins"  # the setting, and the group of entry points


@dataclass(frozen=True)
class Plugin:
    """A plug-in of this process.

    Attributes:
        name: of the file, or of the module.
        typed: path or module with which another process loads it.
        module: name of the module whose entries, and those of its package, are the plug-in's.
        version: SHA-256 of the file, or the version of the package and the SHA-256 of its Python files.
    """

    name: str
    typed: str
    module: str
    version: str

    def names(self) -> list[str]:
        """Return what it has registered, in all families."""
        return [name for family in Registry.families for name in family
                if name not in family.table and _within(family.module_of(name), self.module)]


_loaded: dict[str, Plugin] = {}  # by name


def load_plugins(typed: Sequence[str]) -> list[Plugin]:
    """Run plug-ins that the user names: paths of Python files, or names of modules that Python can import.

    Raises:
        UserError: one is not there, cannot be run, or two have the same name.
    """
    return [_load(text) for text in typed]


def load_installed() -> list[Plugin]:
    """Run the plug-ins of installed packages, their entry points in the group `dcanas.plugins`.

    Raises:
        UserError: one cannot be run; the package that brings it is named.
    """
    return [_load(point.value) for point in metadata.entry_points(group=GROUP)]


def loaded_plugins() -> list[Plugin]:
    """Return the plug-ins of this process."""
    return list(_loaded.values())


def used_plugins(*values: Any) -> dict[str, str]:
    """Return the versions of plug-ins that these values (JSON types) depend on, by name.

    A plug-in counts if a text among the values is a name that it registers, or if it registers none: it then changes
    something else.
    """
    if not _loaded:
        return {}
    texts = set(_texts(values))
    return {plugin.name: plugin.version for plugin in _loaded.values()
            if not (names := plugin.names()) or texts.intersection(names)}


def missing_plugins(recorded: dict[str, str]) -> list[str]:
    """Return those of recorded plug-ins that this process has not loaded."""
    return [name for name in recorded if name not in _loaded]


def forget_plugins() -> None:
    """Drop all plug-ins of this process and what they have registered."""
    for plugin in _loaded.values():
        for family in Registry.families:
            for module in {family.module_of(name) for name in family if name not in family.table}:
                if _within(module, plugin.module):
                    family.forget(module)
        sys.modules.pop(plugin.module, None)
    _loaded.clear()


def _load(text: str) -> Plugin:
    module_name = re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", text) and not text.endswith(".py")
    if module_name:
        made = Plugin(text, text, text, _module_version(text))
        if _loaded.get(text) != made:
            try:
                import_module(text)
            except UserError:
                raise
            except Exception as error:  # the user's code may raise anything
                raise UserError(f"The plug-in {text} cannot be imported: {type(error).__name__}: {error}.") from error
    else:
        path = typed_path(text).absolute()
        module = load_user_file(path, SETTING)
        made = Plugin(path.name, str(path), module, hashlib.sha256(path.read_bytes()).hexdigest())
    there = _loaded.get(made.name)
    if there is not None and there.typed != made.typed:
        raise UserError(f"Two plug-ins are called {made.name}, {there.typed} and {made.typed}; rename one.")
    if there is not None and there.module != made.module:
        forget_user_file(there.module)  # its earlier content
    _loaded[made.name] = made
    return made


def _module_version(name: str) -> str:
    """Return the version of the package that a module is of, if it is installed, and a hash of its Python files."""
    top = name.partition(".")[0]
    try:
        spec = find_spec(top)
    except (ImportError, ValueError):
        spec = None
    if spec is None or spec.origin is None:
        raise UserError(f"There is no module {name} ({SETTING}); give the path of a Python file, its name ending in "
                        ".py, or a module that this Python can import.")
    origin = Path(spec.origin)
    files = sorted(origin.parent.rglob("*.py")) if spec.submodule_search_locations else [origin]
    digest = hashlib.sha256()
    for path in files:
        digest.update(f"{path.relative_to(origin.parent)}\n".encode())
        digest.update(path.read_bytes())
    try:
        version = f"{metadata.version((metadata.packages_distributions().get(top) or [top])[0])} "
    except metadata.PackageNotFoundError:
        version = ""
    return version + digest.hexdigest()


def _within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.") or (
        "." in package and module.startswith(f"{package.partition('.')[0]}."))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
        yield value.partition(":")[0]  # of a proxy with an option
    elif isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from _texts(each)
