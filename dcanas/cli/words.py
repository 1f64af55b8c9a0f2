"""A word without `=` among a command's arguments: a folder of images if there is one, else a named data set."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from dcanas.basics.errors import UserError, nearest
from dcanas.pipeline.preset_files import preset_names


def as_overrides(arguments: Sequence[str]) -> list[str]:
    """Return the arguments with every word as the settings that it stands for; raises `UserError` for other words."""
    return [override for text in arguments for override in (_meant(text) if "=" not in text else [text])]


def _meant(word: str) -> list[str]:
    if not re.match(r"[\w./\\]|~/", word):
        raise UserError(f"Expected key=value, a folder or a data set, got {word!r}; `dcanas --help` shows the options.")
    if Path(word).expanduser().is_dir():
        return ["data=folder", f"data.root={word}"]
    names = preset_names("data")
    if word in names:
        return [f"data={word}"]
    close = nearest(word, names)
    hint = f"; did you mean {close!r}?" if close else f" ({', '.join(names)})."
    raise UserError(f"{word!r} is neither a folder nor the name of a data set{hint}")
