"""Names that are imported when they are first used, so that importing a package costs nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from types import ModuleType
from typing import Any


def load_object(place: str) -> Any:
    """Return what `place`, "package.module:name", stands for; its module is imported if it was not."""
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)


class _Package(ModuleType):
    """A package in which an exported name is never replaced by the module of that name when this is imported."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (isinstance(value, ModuleType) and name in vars(self).get("__all__", ())):
            super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        return sorted({*vars(self), *vars(self).get("__all__", ())})


def lazy(package: str, modules: Mapping[str, Sequence[str]]) -> Callable[[str], Any]:
    """Return the `__getattr__` of a package (PEP 562) whose names are imported from its modules on first use.

    A name may be that of a module in the package, as `dcanas.search.derive`: the package then keeps the name's meaning.

    Args:
        package: the package's `__name__`.
        modules: per module, named relative to the package, the names that it provides.
    """
    sys.modules[package].__class__ = _Package
    places = {name: f"{package}.{module}:{name}" for module, names in modules.items() for name in names}

    def load(name: str) -> Any:
        if name not in places:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        found = load_object(places[name])
        setattr(sys.modules[package], name, found)
        return found

    return load
