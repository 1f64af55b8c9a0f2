"""A path as a user types it."""

from __future__ import annotations

from pathlib import Path


def typed_path(text: str | Path) -> Path:
    """Return the path that a user means: `~` and `~NAME` stand for home folders; a name nobody has is left as it is."""
    try:
        return Path(text).expanduser()
    except RuntimeError:  # nobody has that name
        return Path(text)
