"""What a call asks: its arguments as the choices and settings that the command line would state."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from dcanas.basics.errors import UserError
from dcanas.pipeline.data_word import data_word
from dcanas.pipeline.preset_files import GROUPS
from dcanas.training.array_data import fingerprint
from dcanas.training.array_input import Pair, read_splits


@dataclass(frozen=True)
class Question:
    """What a call asks.

    Attributes:
        choices: group -> name of a preset.
        stated: dotted key -> value, as on the command line.
        splits: images and labels that were given, by split; None for a folder or a named data set.
    """

    choices: dict[str, str] = field(default_factory=dict)
    stated: dict[str, Any] = field(default_factory=dict)
    splits: dict[str, Pair] | None = None


def ask(*, data: Any = None, device: str | Sequence[str] | None = None, budget: Mapping[str, Any] | None = None,
        seed: int | None = None, directory: Path | str | None = None, source: Path | None = None,
        settings: Mapping[str, Any] | None = None, **presets: str | None) -> Question:
    """Return what a call asks; None states nothing.

    Args:
        data: see `dcanas.run`.
        budget: limits by cost; empty: no limits.
        directory: of the run.
        source: directory of a finished run to start from.
        settings: nested dictionaries, dotted keys or both.
        presets: names by group (space, search, train, experiment).

    Raises:
        UserError: the data cannot be used, or a setting is an argument of its own.
    """
    choices = {group: name for group, name in presets.items() if name is not None}
    stated = {"device": device, "seed": seed, "run.dir": directory, "source": source,
              "budget": "none" if budget == {} else None}
    arguments = (*stated, *GROUPS, "data.name", "data.root", "data.fingerprint")
    splits = None
    if isinstance(data, (str, Path)):
        stated |= data_word(str(data))
    elif data is not None:
        splits = read_splits(data)
        stated |= {"data": "arrays", "data.fingerprint": fingerprint(splits)}
    if "data" in stated:
        choices["data"] = str(stated.pop("data"))
    stated |= {f"budget.{key}": value for key, value in _flat(budget or {})}
    for key, value in _flat(settings or {}):
        if key in arguments and not (key == "data.root" and choices.get("data") != "folder"):
            raise UserError(f"{key} is an argument of its own; give it there, not in settings.")
        stated[key] = value
    return Question(choices, {key: _plain(value) for key, value in stated.items() if value is not None}, splits)


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield dotted keys and values of nested dictionaries."""
    for name, value in values.items():
        key = f"{prefix}{name}"
        if isinstance(value, Mapping):
            yield from _flat(value, f"{key}.")
        else:
            yield key, value


def _plain(value: Any) -> Any:
    """Return numpy's numbers, tuples and paths as the settings know them."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value
