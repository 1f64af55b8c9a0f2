"""One small table of names for each family of interchangeable things."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from dcanas.basics.errors import unknown

T = TypeVar("T", bound=Callable)


class Registry(Generic[T]):
    """Functions or classes of one kind, found under their own names.

    >>> shapes = Registry("shape")
    >>> @shapes.add
    ... def square(): return 4
    >>> shapes["square"]()
    4
    """

    def __init__(self, kind: str, yielding: str | None = None):
        """yielding: entries of modules whose names begin so give way to a later entry of the same name."""
        self.kind, self.yielding = kind, yielding
        self._entries: dict[str, T] = {}

    def add(self, entry: T) -> T:
        """Register `entry` under its own name (decorator); a name can be taken only once."""
        name = entry.__name__
        there = self._entries[name].__module__ if name in self._entries else entry.__module__
        if there != entry.__module__ and not (self.yielding and there.startswith(self.yielding)):
            raise ValueError(f"{self.kind} {name!r} is registered by {there} already")
        self._entries[name] = entry
        return entry

    def forget(self, module: str) -> None:
        """Drop all entries that a module made."""
        self._entries = {name: entry for name, entry in self._entries.items() if entry.__module__ != module}

    def __getitem__(self, name: str) -> T:
        if name not in self._entries:
            raise unknown(self.kind, name, self._entries)
        return self._entries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __contains__(self, name: object) -> bool:
        return name in self._entries
