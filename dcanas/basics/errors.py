"""Errors that the user can correct, apart from those that are bugs."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

SHOWN = 40  # names in a sentence, those of every registry


class UserError(Exception):
    """Input that cannot be used; the text is one sentence that says what to do (exit code 2)."""


class Stopped(Exception):  # noqa: N818 (not an error)
    """The user asked to stop; the state after the last step is stored, and the same command goes on from there."""


class BudgetError(UserError):
    """No member of the space is within the budget.

    Attributes:
        binding: names of the limits that cannot be met.
        smallest: per limit, the smallest value of its cost among the members within all other limits, or in the whole
            space if no member is; in the cost's own unit.
    """

    def __init__(self, message: str, binding: tuple[str, ...], smallest: dict[str, float]):
        super().__init__(message)
        self.binding = binding
        self.smallest = smallest


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that resembles `name` most, or None if none does."""
    lowered = {k.lower(): k for k in known}
    found = difflib.get_close_matches(str(name).lower(), list(lowered), n=1, cutoff=0.5)
    return lowered[found[0]] if found else None


def unknown(kind: str, name: str, known: Iterable[str]) -> UserError:
    """Return the error for a name that does not exist, with the one that was probably meant."""
    known = list(known)
    meant = nearest(name, known)
    shown = known if len(known) <= SHOWN else [*known[:SHOWN], f"and {len(known) - SHOWN} more"]
    hint = f"did you mean {meant!r}?" if meant else f"known: {', '.join(shown) or 'none'}."
    return UserError(f"Unknown {kind} {name!r}; {hint}")
