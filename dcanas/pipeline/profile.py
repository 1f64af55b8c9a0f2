"""Profile: the exported files, measured on the devices that can be reached."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from dcanas.basics.errors import UserError
from dcanas.basics.hooks import Hooks
from dcanas.basics.manifest import write_result
from dcanas.hardware import Device, Profile, profile_onnx
from dcanas.hardware.transport.parallel import on_all
from dcanas.pipeline.context import Context
from dcanas.report.kinds import read_result


def profile(run: Context) -> dict[str, dict[str, Any]]:
    """Return `profile.json` by reachable device, measured now or before; several devices measure at once."""
    devices = [device for device in run.devices if device.connection is not None]
    folders = {device.name: run.device_folder(device) for device in devices}
    missing = [device for device in devices if not (folders[device.name] / "profile.json").exists()]
    if len(missing) > 1:
        with run.hooks.stage(f"Measure on {', '.join(device.name for device in missing)}"):
            on_all(missing, lambda device: _measure(run, device, folders[device.name]))
    return {device.name: profile_network(run, device, folders[device.name], f"Measure on {device.name}")
            for device in devices}


def profile_network(run: Context, device: Device, folder: Path, title: str) -> dict[str, Any]:
    """Return `profile.json` of the exported file in `folder`, measured now or before; title: of the stage."""
    done = folder / "profile.json"
    if not done.exists():
        with run.hooks.stage(title):
            measured = _measure(run, device, folder)
        if measured.remark:
            run.hooks.message(f"  {measured.remark}")
    found: dict[str, Any] = read_result(done)
    return found


def _measure(run: Context, device: Device, folder: Path) -> Profile:
    (measured,) = profile_onnx({"model.onnx": folder / "model.onnx"}, device, seed=run.settings.seed).values()
    write_result(run.folder, folder / "profile.json", asdict(measured), "profile")
    return measured


def require_connection(device: Device, what: str) -> None:
    """Raise `UserError` if the device cannot be reached; what: the command that has to measure on it."""
    if device.connection is None:
        raise UserError(f"{what} measures on the device, but {device.name} has no connection in its profile; choose a "
                        "device that can be reached (local-cpu), or `dcanas run`, which looks its costs up.")


def show_profile(hooks: Hooks, measured: Profile) -> None:
    """Show a measurement as a table."""
    low, high = measured.interval_ms
    hooks.table(
        f"Latency of {measured.model} on {measured.device}, batch 1", ["figure", "value"],
        [["median", f"{measured.median_ms:.4g} ms"], ["95 % interval", f"{low:.4g} to {high:.4g} ms"],
         ["p95", f"{measured.p95_ms:.4g} ms"], ["runs", f"{measured.n:,}"],
         ["repeats differ by", f"{100 * measured.repeat_difference:.1f} %"]])
    if measured.remark:
        hooks.message(measured.remark)
