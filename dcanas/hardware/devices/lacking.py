"""What is needed before a device can be asked for a latency or an energy, with the line to type."""

from __future__ import annotations

import shlex

from dcanas.basics.errors import UserError
from dcanas.hardware.devices.cost_sources import CHOSEN
from dcanas.hardware.devices.device import Device, Microcontroller
from dcanas.hardware.devices.profiles import list_devices, load_device, profile_path, user_folder

SIMULATED = ("simulator", "hls")  # runtimes
OWN = "give a source of your own (docs/add-a-latency-source.md)"


def require_source(device: Device, cost: str) -> None:
    """Raise `UserError` if a device has no source for a cost; of a latency or an energy it says what would give one."""
    if cost not in CHOSEN:
        device.source(cost)
    elif cost not in device.costs:
        raise UserError(f"{device.name} has no {cost}: {_remedy(device, cost)}.")


def _remedy(device: Device, cost: str) -> str:
    if isinstance(device, Microcontroller):
        return ("neither time nor energy of a microcontroller is measured here; limit macs, ram_bytes or "
                f"flash_bytes, or {OWN}")
    if cost == "energy_mj":
        return f"energies are looked up in published tables (devices {', '.join(_with(cost))}); take one, or {OWN}"
    if device.runtime.name in SIMULATED:
        return f"its networks run in no place that could be timed here; limit latency_ms, or {OWN}"
    path, folder = profile_path(device.name), user_folder()
    if device.connection is not None and device.runtime.name == "onnxruntime":
        return f"add `{cost}: measured` below `costs:` in {path}"
    why = f"only latency_ms is {device.costs['latency_ms']}" if "latency_ms" in device.costs else \
        "no published table lists it and its profile names no board"
    place = path if path.parent == folder else folder / path.name
    quoted = [shlex.quote(str(name)) for name in (folder, path)]
    copy = "" if path.parent == folder else f"type `mkdir -p {quoted[0]} && cp {quoted[1]} {quoted[0]}/`, "
    runtime = "" if device.runtime.name == "onnxruntime" else 'runtime.name: onnxruntime, runtime.version: "1.14", '
    return (f"{why}; to measure it, {copy}then set connection: {{ssh: USER@HOST}}, {runtime}costs.{cost}: measured in "
            f"{place} (docs/devices.md)")


def _with(cost: str) -> list[str]:
    """Return the names of the devices that have a cost."""
    found = []
    for name in list_devices():
        try:
            found += [name] if cost in load_device(name).costs else []
        except UserError:  # a profile of the user's own that is damaged says so when it is named
            continue
    return found
