"""The common corruptions by name, and what they share."""

from __future__ import annotations

from dcanas.basics.registry import Registry

corruptions: Registry = Registry("corruption")

_SIDE = 32  # pixels of the images that the published parameters were chosen for


def pixels(height: int, width: int) -> float:
    """Return the factor by which the published lengths grow: in proportion above 32 pixels, never below 1."""
    return max(min(height, width) / _SIDE, 1.0)
