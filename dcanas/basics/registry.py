"""One small table of names for each family of interchangeable things."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, Generic, TypeVar

from dcanas.basics.errors import unknown
from dcanas.basics.lazy import load_object

T = TypeVar("T", bound=Callable[..., Any])
USER_FILES = "dcanas_user_file_"  # beginning of the names of modules that are the user's own files


class Registry(Generic[T]):
    """Functions or classes of one kind, found by name; a member is imported when it is first used.

    >>> roots = Registry("root", {"square": ("math:sqrt", "Return the square root.")})
    >>> roots.texts()
    {'square': 'Return the square root.'}
    >>> roots["square"](9)
    3.0

    Attributes:
        kind: what a member is called in messages.
        table: the members that are shipped: name -> ("module:object", first line of its docstring).
    """

    families: ClassVar[list[Registry[Any]]] = []

    def __init__(self, kind: str, table: Mapping[str, tuple[str, str]] | None = None):
        self.kind, self.table = kind, dict(table or {})
        self._added: list[T] = []  # the latest last
        self._entries: dict[str, T] = {}  # the latest of each name
        self.families.append(self)

    def add(self, entry: T) -> T:
        """Register `entry` under its `name`, or else the name of its class or function (decorator).

        The entry of a user's file gives way to a later one. Raises `ValueError` for any other name that is taken.
        """
        name = _name(entry)
        there = self.module_of(name) if name in self else entry.__module__
        if there != entry.__module__ and not there.startswith(USER_FILES):
            raise ValueError(f"{self.kind} {name!r} is registered by {there} already; choose another name")
        self._set([each for each in self._added if each is not entry] + [entry])
        return entry

    def module_of(self, name: str) -> str:
        """Return the name of the module that an entry comes from; raises `UserError` for an unknown one."""
        if name in self.table and name not in self._entries:  # not imported for it
            return self.table[name][0].partition(":")[0]
        return self[name].__module__

    def made_by(self, module: str) -> list[str]:
        """Return the names that a module has added."""
        return [name for name, entry in self._entries.items() if entry.__module__ == module]

    def forget(self, module: str) -> None:
        """Drop all entries that a module has added; those that gave way to them are back."""
        self._set([entry for entry in self._added if entry.__module__ != module])

    def _set(self, added: list[T]) -> None:
        self._added, self._entries = added, {_name(entry): entry for entry in added}

    def texts(self) -> dict[str, str]:
        """Return one line about each entry by name; nothing is imported for it."""
        added = {name: (entry.__doc__ or "").strip().partition("\n")[0] for name, entry in self._entries.items()}
        return {**{name: text for name, (_, text) in self.table.items()}, **added}

    def __getitem__(self, name: str) -> T:
        if name not in self:
            raise unknown(self.kind, name, self)
        return self._entries[name] if name in self._entries else load_object(self.table[name][0])

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys((*self.table, *self._entries)))

    def __len__(self) -> int:
        return len(set(self.table) | set(self._entries))

    def __contains__(self, name: object) -> bool:
        return name in self.table or name in self._entries


def _name(entry: Any) -> str:
    return str(getattr(entry, "name", None) or entry.__name__)
