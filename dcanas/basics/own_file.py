"""Settings that may name a Python file of the user's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dcanas.basics.fields import setting
from dcanas.basics.user_files import recorded_file

GROUPS = ("space", "search", "proxies")  # of the settings that may name one


@dataclass(frozen=True, kw_only=True)
class OwnFile:
    """A Python file that adds to what can be chosen, and the hash that its results belong to (see `user_files`)."""

    file: str | None = setting(None, "Python file of your own that adds to what can be chosen here")
    file_sha256: str | None = None


def stated_module(values: Mapping[str, Any], group: str) -> str | None:
    """Return the module of the file that a group of settings names; None if it names none.

    Raises `UserError` if the user of this process has not named that file: settings may come from a run directory.
    """
    if values.get("file") is None:
        return None
    return recorded_file(values["file"], f"{group}.file", values.get("file_sha256"))
