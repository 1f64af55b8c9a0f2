"""What a value that was read from a file must be: small checks that are put together.

A check takes a value and the place that it stands in, and raises `ValueError` with a text such as "accuracy.low must be
a number".
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

Check = Callable[[Any, str], None]


def anything(value: Any, where: str) -> None:
    """Accept any value."""


def text(value: Any, where: str) -> None:
    """Accept a text."""
    _require(isinstance(value, str), where, "a text")


def flag(value: Any, where: str) -> None:
    """Accept true and false."""
    _require(isinstance(value, bool), where, "true or false")


def number(value: Any, where: str) -> None:
    """Accept a finite number."""
    _require(type(value) in (int, float) and math.isfinite(value), where, "a number")


def count(value: Any, where: str) -> None:
    """Accept a whole number from 0."""
    _require(type(value) is int and value >= 0, where, "a whole number")


def sha256(value: Any, where: str) -> None:
    """Accept 64 hexadecimal digits."""
    _require(isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value) is not None, where, "a SHA-256")


def one_of(*allowed: Any) -> Check:
    """Return the check of a value that is one of several."""
    def check(value: Any, where: str) -> None:
        _require(any(value is one or (type(value) is type(one) and value == one) for one in allowed), where,
                 f"one of {', '.join(map(str, allowed))}")
    return check


def or_none(inner: Check) -> Check:
    """Return the check that also accepts null."""
    def check(value: Any, where: str) -> None:
        if value is not None:
            inner(value, where)
    return check


def list_of(inner: Check, length: int | None = None) -> Check:
    """Return the check of a list; length: that it must have, None: any."""
    def check(value: Any, where: str) -> None:
        _require(isinstance(value, list) and length in (None, len(value)), where,
                 "a list" if length is None else f"a list of {length}")
        for number, entry in enumerate(value):
            inner(entry, f"{where}[{number}]")
    return check


def map_of(inner: Check) -> Check:
    """Return the check of a dictionary with any keys."""
    def check(value: Any, where: str) -> None:
        _require(isinstance(value, dict), where, "a dictionary")
        for key, entry in value.items():
            inner(entry, _join(where, key))
    return check


def block_of(needed: Mapping[str, Check], further: Mapping[str, Check] | None = None) -> Check:
    """Return the check of a dictionary.

    Args:
        needed: keys that it must have.
        further: keys that it may have; others are not looked at.
    """
    def check(value: Any, where: str) -> None:
        _require(isinstance(value, dict), where, "a dictionary")
        lacking = [key for key in needed if key not in value]
        if lacking:
            raise ValueError(f"{where or 'it'} lacks {', '.join(lacking)}")
        for key, inner in {**needed, **(further or {})}.items():
            if key in value:
                inner(value[key], _join(where, key))
    return check


def _require(right: bool, where: str, expected: str) -> None:
    if not right:
        raise ValueError(f"{where or 'it'} must be {expected}")


def _join(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key
