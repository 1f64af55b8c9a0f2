"""Names that are imported when they are first used, so that importing a package costs nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any


def load_object(place: str) -> Any:
    """Return what `place`, "package.module:name", stands for; its module is imported if it was not."""
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)


def lazy(package: str, modules: Mapping[str, Sequence[str]]) -> Callable[[str], Any]:
    """Return the `__getattr__` of a package (PEP 562) whose names are imported from its modules on first use.

    No name may be that of a module directly in the package: Python would find the module in its place.

    Args:
        package: the package's `__name__`.
        modules: per module, named relative to the package, the names that it provides.
    """
    places = {name: f"{package}.{module}:{name}" for module, names in modules.items() for name in names}

    def load(name: str) -> Any:
        if name not in places:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        found = load_object(places[name])
        setattr(sys.modules[package], name, found)
        return found

    return load
