"""What a device's profile adds to a run: costs from published tables, and the limits of its memory and flash."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dcanas.basics.errors import UserError
from dcanas.costs import CostModel
from dcanas.hardware import Device
from dcanas.hardware.latency.table_costs import table_costs
from dcanas.spaces import Space

CAPACITY = {"peak_bytes": "memory_bytes", "weight_bytes": "flash_bytes"}
PUBLISHED = ("latency_ms", "energy_mj")


def published_costs(space: Space, device: Device, stated: Mapping[str, Any], input_shape: tuple[int, int, int],
                    num_classes: int, skeleton: dict[str, Any]) -> list[CostModel]:
    """Return the limited costs that the profile takes from tables; raises `UserError` outside their networks."""
    return table_costs(space, device, [name for name in PUBLISHED if name in stated], input_shape, num_classes,
                       **skeleton)


def with_capacity(device: Device, limits: Mapping[str, float]) -> dict[str, float]:
    """Return the limits, none of them above what the device has."""
    limits = dict(limits)
    for cost, capacity in CAPACITY.items():
        most = getattr(device, capacity)
        if most is not None and cost in device.costs:
            limits[cost] = min(limits.get(cost, most), most)
    return limits


def require_board(device: Device, what: str) -> None:
    """Raise `UserError` where something has to be measured on a device that cannot be reached."""
    if device.connection is None:
        raise UserError(f"{what} measures on the device, but {device.name} has no connection in its profile; choose a "
                        "device that can be reached (local-cpu), or `dcanas run`, which looks its costs up.")
