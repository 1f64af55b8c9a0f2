"""Profile: the exported file measured on the device."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dcanas.basics.files import read_json, write_json
from dcanas.cli.display import Display
from dcanas.hardware import Device, Profile, profile_onnx
from dcanas.hardware.transport.parallel import on_all
from dcanas.pipeline.devices import require_board
from dcanas.pipeline.session import Session
from dcanas.pipeline.stages.deriving import derived_folder
from dcanas.pipeline.stages.exporting import run_export


def run_profile(session: Session, device: Device) -> dict[str, Any]:
    """Return `profile.json` of the device's file, measured now or before: a measurement is never repeated."""
    require_board(device, "dcanas profile")
    run_export(session, device)
    return profile_network(session, device, derived_folder(session, device), f"Measure on {device.name}")


def run_profiles(session: Session) -> None:
    """Export for all devices that can be reached and measure on them, boards side by side; where there are several."""
    devices = [device for device in session.devices if device.connection is not None]
    for device in devices:
        run_export(session, device)
    missing = [device for device in devices if not (derived_folder(session, device) / "profile.json").exists()]
    if len(missing) < 2:
        return  # measured when its turn comes
    folders = {device.name: derived_folder(session, device) for device in missing}
    with session.display.stage(f"Measure on {', '.join(folders)}"):
        on_all(missing, lambda device: _measure(session, device, folders[device.name]))


def _measure(session: Session, device: Device, folder: Path) -> Profile:
    profile = profile_onnx(folder / "model.onnx", device, seed=session.settings.seed)
    write_json(folder / "profile.json", profile.to_json())
    return profile


def profile_network(session: Session, device: Device, folder: Path, title: str) -> dict[str, Any]:
    """Return `profile.json` of the exported file in `folder`, measured now or before."""
    done = folder / "profile.json"
    if done.exists():
        session.display.say(f"{title}: done before ({done})")
        return read_json(done)
    with session.display.measuring(title):
        profile = _measure(session, device, folder)
    if profile.remark:
        session.display.say(f"  {profile.remark}")
    return read_json(done)


def show_profile(display: Display, profile: Profile) -> None:
    """Print the figures of a measurement."""
    low, high = profile.interval_ms
    display.table(
        f"Latency of {profile.model} on {profile.device}, batch 1", ["figure", "value"],
        [["median", f"{profile.median_ms:.4g} ms"], ["95 % interval", f"{low:.4g} to {high:.4g} ms"],
         ["p95", f"{profile.p95_ms:.4g} ms"], ["runs", f"{profile.n:,}"],
         ["repeats differ by", f"{100 * profile.repeat_difference:.1f} %"]])
    if profile.remark:
        display.say(profile.remark)
