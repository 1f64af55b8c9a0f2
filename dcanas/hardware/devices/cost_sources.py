"""The sources that a device's profile may state for each cost; importing this file imports none of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dcanas.basics.registry import Registry

SOURCES: dict[str, tuple[str, ...]] = {  # cost name -> what a profile may state
    "params": ("counted",),
    "macs": ("counted",),
    "peak_bytes": ("counted",),
    "weight_bytes": ("counted",),
    "ram_bytes": ("linked",),
    "flash_bytes": ("linked",),
    "latency_ms": ("measured", "looked up", "predicted"),
    "latency_p95_ms": ("measured",),
    "energy_mj": ("looked up", "predicted"),
}
CHOSEN = ("latency_ms", "latency_p95_ms", "energy_mj")  # those for which a `LatencySource` is chosen

_LATENCY = "dcanas.hardware.latency"
latency_sources: Registry = Registry("latency source", {
    "fitted to measurements": (
        f"{_LATENCY}.fitted:Fitted", "Prices fitted to a dozen members that are measured on the device."),
    "few-shot prediction": (
        f"{_LATENCY}.few_shot_fit:FewShot", "Learnt from seven to ten members that are measured on the device."),
    "few-shot prediction of a table": (
        f"{_LATENCY}.few_shot_fit:FewShotOfTable",
        "Learnt from seven to ten members that are looked up in the device's table."),
    "published table": (
        f"{_LATENCY}.table_sources:PublishedTable", "Looked up for every network that a published table lists."),
    "FBNet's published blocks": (
        f"{_LATENCY}.table_sources:PublishedBlocks", "Sums of the published latencies of FBNet's blocks."),
    "transferred table": (
        f"{_LATENCY}.table_sources:TransferredTable", "Prices of a published table for other networks of its space."),
    "transferred blocks": (
        f"{_LATENCY}.table_sources:TransferredBlocks", "Prices of FBNet's blocks for other images, classes or stems."),
})


def may_state(cost: str, value: Any, folder: Path) -> bool:
    """Return whether a profile in `folder` may state `value` as the source of a cost.

    Beside the words of `SOURCES` that is, for a latency or an energy, a Python file in the folder or the name of a
    source that was added to `latency_sources`.
    """
    if value in SOURCES[cost]:
        return True
    if not isinstance(value, str) or cost not in CHOSEN:
        return False
    if value.endswith(".py"):
        return Path(value).name == value and (folder / value).is_file()
    return value in latency_sources and value not in latency_sources.table
