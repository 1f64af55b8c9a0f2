"""A word without `=` among a command's arguments: a folder of images if there is one, else a named data set."""

from __future__ import annotations

import re
from collections.abc import Sequence

from dcanas.basics.errors import UserError
from dcanas.pipeline.data_word import data_word


def as_overrides(arguments: Sequence[str]) -> list[str]:
    """Return the arguments with every word as the settings that it stands for; raises `UserError` for other words."""
    return [override for text in arguments for override in (_meant(text) if "=" not in text else [text])]


def _meant(word: str) -> list[str]:
    if not re.match(r"[\w./\\]|~/", word):
        raise UserError(f"Expected key=value, a folder or a data set, got {word!r}; `dcanas --help` shows the options.")
    return [f"{key}={value}" for key, value in data_word(word).items()]
