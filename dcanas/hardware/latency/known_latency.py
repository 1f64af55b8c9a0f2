"""Latency as a cost to search under, from an operation table where the user has one for these networks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dcanas.basics.files import write_bytes
from dcanas.costs import CostModel, Domain
from dcanas.hardware.devices.device import Device
from dcanas.hardware.latency.operation_table import quality, table_costs
from dcanas.hardware.latency.table_store import find_table, load_table, table_conditions
from dcanas.spaces import Space

COPY = "operation_table.yaml"  # beside a run's own measurements


def known_latency(space: Space, device: Device, folder: Path, input_shape: tuple[int, int, int], num_classes: int,
                  space_file: str | None, **skeleton: Any) -> tuple[dict[str, CostModel], str]:
    """Return the latencies of the space by the device's operation table, and in words which; no costs, and why, where
    there is no such table.

    The table is copied to `folder` when it is first used, and a run that has begun without one goes on without: what a
    run is continued with is what it began with.
    """
    own = folder / COPY
    if not own.is_file():
        if any(folder.glob("*.json")):
            return {}, "this run began by measuring a few members and goes on so"
        domain = Domain.of(space, input_shape, num_classes, device.name,
                           **space.delivered_skeleton(space.complete_skeleton(skeleton)))
        found, why = find_table(device, domain, table_conditions(device, space_file))
        if found is None:
            return {}, f"{why}; a dozen members are measured instead (`dcanas profile device={device.name} " \
                       f"space={space.name}` with this data set makes a table)"
        write_bytes(own, found.read_bytes())
    table = load_table(own)
    costs, _ = table_costs(space, table)
    known = quality(space, table)
    error = f", within {100 * known.mape:.1f} % on {known.n} networks that it was not fitted to (a line in MACs: " \
            f"{100 * known.macs_mape:.1f} %)" if known else ""
    return costs, f"latency is predicted by the operation table of {len(table.rows)} rows in {own}{error}"
