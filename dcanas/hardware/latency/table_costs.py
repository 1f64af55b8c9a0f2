"""Until the pipeline asks `choose_source`."""

from __future__ import annotations

from typing import Any

from dcanas.costs import CostModel, Networks
from dcanas.hardware.devices.device import Device
from dcanas.hardware.latency import device_table
from dcanas.hardware.latency.device_table import published_latency  # noqa: F401
from dcanas.hardware.latency.source import choose_source
from dcanas.spaces import Space


def table_costs(space: Space, device: Device, names: Any, input_shape: Any, num_classes: int,
                **skeleton: Any) -> list[CostModel]:
    networks = Networks(space, input_shape, num_classes, skeleton)
    found = choose_source(device, names, networks, lambda: None)  # type: ignore
    return [s.model for s in found.by_cost.values() if s.name.startswith(("published", "FBNet", "transferred"))]


def covering_table(space: Space, device: Device, name: str, input_shape: Any, num_classes: int, **skeleton: Any) -> Any:
    return device_table.covering_table(device, name, Networks(space, input_shape, num_classes, skeleton))
