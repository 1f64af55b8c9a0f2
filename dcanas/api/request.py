"""What a call asks: its arguments as the choices and settings that the command line would state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dcanas.basics.errors import UserError
from dcanas.basics.mapping import flattened
from dcanas.pipeline.data_word import data_word
from dcanas.pipeline.preset_files import GROUPS
from dcanas.training.array_data import fingerprint
from dcanas.training.array_input import Pair, read_splits

ARGUMENTS = (*GROUPS, "device", "seed", "data.name", "data.fingerprint", "run.dir", "run.progress", "source")


@dataclass(frozen=True)
class Request:
    """What a call asks.

    Attributes:
        choices: group -> name of a preset.
        stated: dotted key -> value, as on the command line.
        splits: images and labels that were given, by split; None for a folder or a named data set.
    """

    choices: dict[str, str]
    stated: dict[str, Any]
    splits: dict[str, Pair] | None


def make_request(*, data: Any = None, device: str | Sequence[str] | None = None,
                 budget: Mapping[str, Any] | None = None, seed: int | None = None, directory: Path | str | None = None,
                 source: Path | None = None, settings: Mapping[str, Any] | None = None,
                 **presets: str | None) -> Request:
    """Return what a call asks; an argument that is None states nothing.

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
    stated = {"device": device, "seed": seed, "run.dir": directory, "source": source}
    stated = {key: value for key, value in stated.items() if value is not None}
    splits = None
    if data is not None:
        splits = None if isinstance(data, (str, Path)) else read_splits(data)
        chosen = data_word(str(data)) if splits is None else {"data": "arrays", "data.fingerprint": fingerprint(splits)}
        choices["data"] = chosen.pop("data")
        stated |= chosen
    if budget is not None:
        stated |= {f"budget.{key}": value for key, value in flattened(budget)} or {"budget": "none"}
    for key, value in flattened(settings or {}):
        if key in stated or key in ARGUMENTS or key.partition(".")[0] == "budget":
            raise UserError(f"{key} is an argument of its own; give it there, not in settings.")
        stated[key] = value
    return Request(choices, {key: _plain(value) for key, value in stated.items()}, splits)


def _plain(value: Any) -> Any:
    """Return a value of numpy, a tuple or a path as the settings know them."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value
