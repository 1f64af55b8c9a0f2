"""Nested dictionaries: flattened, and as settings classes."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Union, get_args, get_origin

from dcanas.basics.errors import UserError, unknown
from dcanas.basics.fields import Declared, join, type_hints


def from_mapping(kind: type, values: Any, where: str = "") -> Any:
    """Return `values` (nested dictionaries) as the dataclass `kind`; raises `UserError` naming key, type and value."""
    if not isinstance(values, Mapping):
        raise UserError(f"{where or 'the settings'} must hold keys and values, got {values!r}.")
    made = {f.name: f for f in fields(kind)}
    for name in values:
        if name not in made:
            raise unknown("setting", join(where, str(name)), [join(where, n) for n in made])
    return kind(**{name: _convert(kind_of(kind, name, value), value, join(where, name))
                   for name, value in values.items()})


def kind_of(kind: type, name: str, value: Any) -> Any:
    """Return the type of a field for this value: a field may choose its class by the value's content."""
    about: Declared | None = next(f for f in fields(kind) if f.name == name).metadata.get("setting")
    if about is not None and about.kind is not None and isinstance(value, Mapping):
        return about.kind(value)
    return type_hints(kind)[name]


def flattened(values: Mapping[str, Any], where: str = "") -> Iterator[tuple[str, Any]]:
    """Yield dotted key and value of everything in nested dictionaries; an empty dictionary in them is a value."""
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from flattened(value, join(where, name))
        else:
            yield join(where, name), value


def _convert(hint: Any, value: Any, where: str) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        for option in arguments:
            if option is not type(None) and _fits(option, value):
                return _convert(option, value, where)
        raise UserError(f"{where} must be {' or '.join(_name(a) for a in arguments)}, got {value!r}.")
    if is_dataclass(hint):
        return from_mapping(hint, value, where)  # type: ignore[arg-type]
    if origin is tuple:
        items = value if isinstance(value, (list, tuple)) else [value]
        return tuple(_convert(arguments[0], item, where) for item in items)
    if origin is dict:
        if not isinstance(value, Mapping):
            raise UserError(f"{where} must hold keys and values, got {value!r}.")
        return {str(k): _convert(arguments[1], v, f"{where}.{k}") for k, v in value.items()}
    if hint is Any or _fits(hint, value):
        return float(value) if hint is float else value
    raise UserError(f"{where} must be {_name(hint)}, got {value!r}.")


def _fits(kind: Any, value: Any) -> bool:
    if kind is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(kind, type) and isinstance(value, kind)


def _name(kind: Any) -> str:
    return {float: "a number", int: "a whole number", bool: "true or false", str: "a text",
            type(None): "null"}.get(kind, str(kind))
