"""Settings that may name a Python file of the user's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dcanas.basics.fields import setting
from dcanas.basics.user_files import load_user_file


@dataclass(frozen=True, kw_only=True)
class OwnFile:
    """A Python file that adds to what can be chosen, and the hash that its results belong to (see `user_files`)."""

    file: str | None = setting(None, "Python file of your own that adds to what can be chosen here")
    file_sha256: str | None = None


def load_stated(values: Mapping[str, Any], group: str) -> str | None:
    """Load the file that a group of settings names; return its module, None if there is no file.

    Raises `UserError` if it is missing, cannot be run, or is not the one with the recorded hash.
    """
    if values.get("file") is None:
        return None
    return load_user_file(values["file"], f"{group}.file", values.get("file_sha256"))
