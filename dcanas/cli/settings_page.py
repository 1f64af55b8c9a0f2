"""Settings as YAML with comments: what `--cfg` prints."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import yaml

from dcanas.basics.fields import Declared


def settings_page(values: Mapping[str, Any], about: Iterable[tuple[str, Any, Declared]]) -> str:
    """Return nested settings as YAML, with help and allowed values of each as a comment.

    Args:
        about: key, default and declaration per setting, as `basics.fields.described` yields them.
    """
    helps = {key: f"{each.help} ({each.allowed})" if each.allowed else each.help for key, _, each in about}
    return "\n".join(_lines(values, helps, "")) + "\n"


def _lines(values: Mapping[str, Any], helps: Mapping[str, str], group: str) -> Iterator[str]:
    indent = "  " * group.count(".")
    for name, value in values.items():
        key = f"{group}{name}"
        if isinstance(value, Mapping) and any(other.startswith(f"{key}.") for other in helps):
            yield f"{indent}{name}:"
            yield from _lines(value, helps, f"{key}.")
        else:
            yield f"{indent}{name}: {_flow(value)}" + (f" # {helps[key]}" if key in helps else "")


def _flow(value: Any) -> str:
    text = yaml.safe_dump([value], default_flow_style=True, allow_unicode=True, sort_keys=False, width=10**9)
    return text.strip()[1:-1]
