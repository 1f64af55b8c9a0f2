"""Arguments of commands that take no settings of a run: `key=value`, every value a text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dcanas.basics.errors import UserError, unknown


def key_values(command: str, arguments: Sequence[str], defaults: Mapping[str, str]) -> dict[str, str]:
    """Return the values of all keys in `defaults`; raises `UserError` for another key or an argument without `=`."""
    values = dict(defaults)
    for text in arguments:
        key, equals, value = text.partition("=")
        if not equals:
            raise UserError(f"`dcanas {command}` takes key=value with {', '.join(defaults)}, got {text!r}.")
        if key not in defaults:
            raise unknown(f"setting of `dcanas {command}`", key, defaults)
        values[key] = value
    return values
