"""What was derived for each device, side by side."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from dcanas.cli.display import Display
from dcanas.pipeline.session import Session
from dcanas.pipeline.stages.deriving import run_derive
from dcanas.report.amounts import amount


def derive_for_all(session: Session) -> None:
    """Derive for every device from the one search, and print what each got."""
    found = []
    for device in session.devices:
        start = time.perf_counter()
        derived = run_derive(session, device)
        found.append((device.name, derived, dict(session.budget(device)), time.perf_counter() - start))
    show_derived(session.display, found)


def show_derived(display: Display, found: Sequence[tuple[str, Mapping[str, Any], Mapping[str, float], float]]) -> None:
    """Print one row per device. found: (device, architecture.json, limits, seconds) each."""
    limited = list(dict.fromkeys(name for _, _, limits, _ in found for name in limits))
    rows = [[name, *(_kept(derived["costs"], limits, cost) for cost in limited), f"{seconds:.1f}",
             derived["architecture"]] for name, derived, limits, seconds in found]
    display.table("Derived from one search", ["device", *(f"{name} (limit)" for name in limited), "s", "architecture"],
                  rows)


def _kept(costs: Mapping[str, Mapping[str, Any]], limits: Mapping[str, float], name: str) -> str:
    if name not in limits:
        return "–"
    cost = costs[name]
    bound = f", at most {amount(cost['upper'])}" if cost["upper"] != cost["value"] else ""
    return f"{amount(cost['value'])} {cost['source']}{bound} ({amount(limits[name])})"
