"""Slots and architectures: what is decided, and one set of decisions. Plain values, no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dcanas.basics.errors import UserError


class NotationError(UserError):
    """A text that does not describe a member of the space."""


@dataclass(frozen=True, order=True)
class Slot:
    """One decision: a name and the names of its candidate operations."""

    name: str
    options: tuple[str, ...]


@dataclass(frozen=True)
class Group:
    """Exactly `k` of the named slots are used (another option than `none`)."""

    slots: tuple[int, ...]
    k: int


@dataclass(frozen=True, order=True)
class Architecture:
    """One member of a space: for each slot the index of the option chosen. It does not know how to train."""

    space: str
    choices: tuple[int, ...]

    def to_json(self) -> dict[str, Any]:
        return {"space": self.space, "choices": list(self.choices)}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Architecture:
        return cls(str(value["space"]), tuple(int(c) for c in value["choices"]))
