"""The machine that measures: its comparison with the device's profile, and its state during a measurement."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import reduce
from operator import or_
from typing import Any

from dcanas.basics.errors import UserError
from dcanas.hardware.devices.device import Device

CLOCK_LOSS = 0.1  # of the highest clock seen: more is throttling
THROTTLED = 0b0111  # of a Raspberry Pi's flags now: voltage too low, clock capped, throttled


def check_machine(device: Device, found: Mapping[str, Any]) -> None:
    """Raise `UserError` if the machine is not the one that the profile describes.

    Args:
        found: what `worker.look` returns.
    """
    stated = {"machine": device.board.machine, "cores": device.board.cores, "governor": device.board.governor}
    words = {"machine": "architecture", "cores": "number of cores", "governor": "clock governor"}
    for key, wanted in stated.items():
        if wanted is not None and found[key] != wanted:
            raise UserError(f"The profile of {device.name} says {words[key]} {wanted}, but what answers at "
                            f"{device.place} has {found[key] or 'none that it reports'}; correct board.{key} or the "
                            "connection, or set the machine so.")
    if found["cores"] < device.threads:
        raise UserError(f"The profile of {device.name} says {device.threads} threads, but only {found['cores']} cores "
                        "can be used there; lower threads.")
    if _numbers(found["onnxruntime"]) < _numbers(device.runtime.version or "0"):
        raise UserError(f"Device {device.name} needs ONNX Runtime {device.runtime.version} or newer, installed is "
                        f"{found['onnxruntime']}; upgrade onnxruntime.")
    if device.provider not in found["providers"]:
        raise UserError(f"The onnxruntime {found['onnxruntime']} of {device.name} has no {device.provider}; it offers "
                        f"{', '.join(found['providers'])}: change the device's provider or install its package.")


def during(states: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return a summary of the machine's states during a measurement, for its conditions.

    Returns:
        load_before, load_after: load averages; celsius: first, highest and last temperature; mhz: highest and lowest
        clock; throttling_flags: of a Raspberry Pi's firmware, combined. None if the machine does not report them.
    """
    heat, clock, flags = ([s[key] for s in states if s[key] is not None] for key in ("celsius", "mhz", "flags"))
    return {"load_before": states[0]["load"], "load_after": states[-1]["load"],
            "celsius": [heat[0], max(heat), heat[-1]] if heat else None,  # first, highest, last
            "mhz": [max(clock), min(clock)] if clock else None,  # highest, lowest
            "throttling_flags": reduce(or_, flags) if flags else None}


def throttling(conditions: Mapping[str, Any]) -> str:
    """Return in words how the machine was slowed down during a measurement, empty if it was not.

    Args:
        conditions: of the measurement, what `during` returns included.
    """
    clock, heat, flags = (conditions.get(key) for key in ("mhz", "celsius", "throttling_flags"))
    at = f" at up to {heat[1]:.0f} °C" if heat else ""
    if flags and flags & THROTTLED:
        return f"its firmware throttled it (flags {flags:#x}){at}"
    if clock and clock[1] < (1 - CLOCK_LOSS) * clock[0]:
        return f"its clock fell from {clock[0]:.0f} to {clock[1]:.0f} MHz{at}"
    return ""


def _numbers(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", version)[:3]]
