"""Checks of settings that are numbers."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from dcanas.basics.errors import UserError

Ranges = Mapping[str, tuple[type, float, float]]  # name -> kind (int or float), smallest, largest


def check_ranges(settings: Any, group: str, ranges: Ranges, optional: Collection[str] = ()) -> None:
    """Raise `UserError` naming field, range and value where an attribute is no number of its kind and range.

    optional: names that may be None.
    """
    for name, (kind, low, high) in ranges.items():
        value = getattr(settings, name)
        if value is None and name in optional:
            continue
        allowed = (int,) if kind is int else (int, float)
        if isinstance(value, bool) or not isinstance(value, allowed) or not low <= value <= high:
            number = "a whole number" if kind is int else "a number"
            raise UserError(f"{group}.{name} must be {number} from {low:g} to {high:g}, got {value!r}.")
