"""Numbers as people write them."""

from __future__ import annotations


def amount(value: float | None) -> str:
    """Return a number as people write it (its unit is in the cost's name), or a dash."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.4g}"
