"""Names that are imported when they are first used, so that importing a package costs nothing."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any


def load_object(place: str) -> Any:
    """Return what `place`, "package.module:name", stands for; its module is imported if it was not."""
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)


class _Package(ModuleType):
    """A package in which an exported name is never replaced by the module of that name when this is imported."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (isinstance(value, ModuleType) and name in self.__all__):
            super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        return sorted({*vars(self), *self.__all__})


def lazy(package: str) -> Callable[[str], Any]:
    """Return the `__getattr__` of a package (PEP 562) that imports a name when it is first used.

    The names are those that the package's own source imports under `if TYPE_CHECKING`, where type checkers and editors
    read them too; they are also its `__all__`, unless it states one. A name may be that of a module in the package, as
    `dcanas.search.derive`: the package then keeps the name's meaning.

    Args:
        package: its `__name__`.
    """
    module = sys.modules[package]
    blocks = [each.body for each in ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8")).body
              if isinstance(each, ast.If)]
    places = {alias.name: f"{line.module}:{alias.name}" for block in blocks for line in block
              if isinstance(line, ast.ImportFrom) for alias in line.names}
    vars(module).setdefault("__all__", sorted(places))
    module.__class__ = _Package

    def load(name: str) -> Any:
        if name not in places:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        found = load_object(places[name])
        setattr(module, name, found)
        return found

    return load
