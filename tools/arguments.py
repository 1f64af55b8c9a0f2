"""The options of a tool are the parameters of its function `main`, typed as words `name=value`."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from types import ModuleType, NoneType, UnionType
from typing import Any, Literal, get_args, get_origin

from dcanas.basics.errors import UserError, unknown

KINDS = {int: "a whole number", float: "a number", bool: "true or false"}


def call(main: Callable[..., None], words: Sequence[str]) -> None:
    """Call a tool with what was typed.

    Args:
        main: its keyword-only parameters are given as `name=value`; those before them also as values in their order.
            Annotations may be str, int, float, bool, Path, a Literal, a tuple of any length (`a,b`), or one of these
            and None.
        words: what was typed behind the tool's name.

    Raises:
        UserError: for an unknown or missing option, or a value of another kind.
    """
    options = inspect.signature(main, eval_str=True).parameters
    places = [name for name, option in options.items() if option.kind is option.POSITIONAL_OR_KEYWORD]
    given: dict[str, Any] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals and places:
            name, text = places.pop(0), word
        elif not equals or name not in options:
            raise unknown("option", name, options)
        given[name] = _value(name, text, options[name].annotation)
    missing = [name for name, option in options.items() if option.default is option.empty and name not in given]
    if missing:
        raise UserError(f"Missing {', '.join(f'{name}=...' for name in missing)}; --help describes every option.")
    main(**given)


def help_of(name: str, module: ModuleType) -> str:
    """Return the module's docstring and a line per option, with the text of the docstring of `main`."""
    described = dict(re.findall(r"^ {4,}(\w+): (.+)$", inspect.getdoc(module.main) or "", re.MULTILINE))
    options = inspect.signature(module.main).parameters.values()
    defaults = {option.name: "..." if option.default is option.empty else _text(option.default) for option in options}
    return "\n".join([f"{name}: {inspect.getdoc(module)}", "", "Options:", *(
        f"  {f'{key}={default}':<28} {described.get(key, '')}".rstrip() for key, default in defaults.items())])


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)


def _value(name: str, text: str, kind: Any) -> Any:
    """Return the value that `text` states; kind: the annotation of the parameter `name`."""
    if isinstance(kind, UnionType):
        kind = next(part for part in get_args(kind) if part is not NoneType)
        return None if text == "none" else _value(name, text, kind)
    if get_origin(kind) is tuple:
        return tuple(_value(name, part.strip(), get_args(kind)[0]) for part in text.strip("[]").split(",") if part)
    if get_origin(kind) is Literal:
        if text not in get_args(kind):
            raise unknown(name, text, get_args(kind))
        return text
    try:
        return {"true": True, "false": False}[text] if kind is bool else kind(text)
    except (ValueError, KeyError):
        raise UserError(f"{name} must be {KINDS[kind]}, not {text!r}.") from None
