"""Numbers as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def amount(value: float | None) -> str:
    """Return a number as text without its unit, or a dash for None."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.4g}"


def latency_words(latency: Mapping[str, Any]) -> str:
    """Return a measured latency in words; latency: what `Profile.summary` returns."""
    low, high = latency["interval_ms"]
    return (f"median {latency['median_ms']:.4g} ms (95 % interval {low:.4g} to {high:.4g} ms), p95 "
            f"{latency['p95_ms']:.4g} ms, {latency['n']:,} runs at batch 1")
