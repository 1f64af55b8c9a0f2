"""Derive: one architecture within each device's budget from what the search found."""

from __future__ import annotations

from typing import Any

from dcanas.basics.files import read_json, write_json
from dcanas.hardware import Device
from dcanas.pipeline.context import Context


def derive(run: Context) -> dict[str, dict[str, Any]]:
    """Return `architecture.json` of every device, derived now or before."""
    return {device.name: _derived(run, device) for device in run.devices}


def _derived(run: Context, device: Device) -> dict[str, Any]:
    folder = run.device_folder(device)
    done = folder / "architecture.json"
    if done.exists():
        run.hooks.message(f"Derive for {device.name}: done before ({done})")
        return read_json(done)
    found = read_json(run.search_folder / run.method.results[0])
    with run.stage(f"Derive for {device.name}") as hooks:
        derived = run.method.derive(run.task(hooks), run.book(device).target, found, folder)
    value = {"space": run.space.name, "architecture": run.space.format(derived.architecture),
             "skeleton": run.skeleton, "costs": derived.costs, "provenance": derived.provenance}
    write_json(done, value)
    run.hooks.message(f"  {value['architecture']}")
    return value
