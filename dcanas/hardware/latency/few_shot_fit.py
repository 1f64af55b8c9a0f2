"""A device's latency learnt from a handful of its networks, measured on it or, where no board is there, looked up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dcanas.basics.errors import UserError
from dcanas.hardware.devices.device import Device
from dcanas.hardware.latency.fitted import measurable
from dcanas.hardware.latency.predictor import MEASURE, LatencyPredictor
from dcanas.hardware.latency.published_tables import TableCost
from dcanas.hardware.latency.reference_devices import known_latencies
from dcanas.hardware.measuring.measured_members import measure_members
from dcanas.spaces import Architecture, Space

Ask = Callable[[Sequence[Architecture]], dict[Architecture, float]]  # what the device says, in ms


def learn_latency(space: Space, device: Device, ask: Ask, input_shape: tuple[int, int, int], num_classes: int,
                  seed: int = 0, **skeleton: Any) -> LatencyPredictor:
    """Return the predictor of a device after its first `MEASURE` networks, chosen by optimal design and by chance."""
    known = known_latencies(space, input_shape, num_classes, device.table, **skeleton)
    unmeasured = LatencyPredictor.of(space, known, measurable(space, seed), input_shape, num_classes, device.name,
                                     **skeleton)
    return unmeasured.add(ask(unmeasured.choose(MEASURE, seed)))


def ask_device(space: Space, device: Device, folder: Path, input_shape: tuple[int, int, int], num_classes: int,
               seed: int = 0, **skeleton: Any) -> Ask:
    """Return what exports and measures networks on the device: the upper end of the 95 % interval of the median.

    That is the number a limit is held against, so it is the one that is predicted.
    """
    def ask(members: Sequence[Architecture]) -> dict[Architecture, float]:
        profiles = measure_members(space, members, folder, device, input_shape, num_classes, seed=seed, **skeleton)
        return {arch: profile.upper("latency_ms") for arch, profile in profiles.items()}

    return ask


def ask_table(cost: TableCost) -> Ask:
    """Return what looks networks up where a device's own table stands for it.

    Raises `UserError` for a table with gaps, which can be looked up but not learnt from.
    """
    gaps = int((~np.isfinite(cost.table)).sum())

    def ask(members: Sequence[Architecture]) -> dict[Architecture, float]:
        missing = [arch for arch in members if not cost.available(arch)]
        if missing:
            raise UserError(f"{cost.provenance} has no {cost.name} for {gaps:,} codes, so it cannot be predicted from "
                            f"a few of them; state costs.{cost.name}: looked up in the device's profile.")
        return {arch: cost.value(arch) for arch in members}

    return ask
