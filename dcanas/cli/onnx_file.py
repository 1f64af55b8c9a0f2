"""`dcanas profile onnx=FILE device=NAME`: the latency of any ONNX file, with `operators=true` by operator."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dcanas.basics.errors import UserError
from dcanas.basics.typed_path import typed_path
from dcanas.cli.key_values import key_values
from dcanas.cli.terminal import Terminal
from dcanas.export.onnx_file import require_bounded, require_whole_file
from dcanas.hardware import Device, load_device, profile_onnx
from dcanas.hardware.measuring.operator_times import by_block, operator_times
from dcanas.pipeline.profile import show_profile

DEFAULTS = {"onnx": "", "device": "local-cpu", "operators": "false", "cap_s": ""}


def main(command: str, arguments: Sequence[str]) -> int:
    values = key_values("profile onnx=FILE", arguments, DEFAULTS)
    if values["operators"] not in ("true", "false"):
        raise UserError(f"operators must be true or false, got {values['operators']!r}.")
    path, device, display = typed_path(values["onnx"]), load_device(values["device"]), Terminal()
    require_bounded(path)
    if device.connection != "local":
        require_whole_file(path)
    with display.stage(f"Measure on {device.name}"):
        (profile,) = profile_onnx({path.name: path}, device, cap_s=_seconds(values["cap_s"])).values()
    show_profile(display, profile)
    if values["operators"] == "true":
        _show_operators(display, path, device, profile.median_ms)
    return 0


def _show_operators(display: Terminal, path: Path, device: Device, median_ms: float) -> None:
    """Print the operators' times by block, and the slowest operators."""
    times = operator_times(path, device)
    total = sum(time.ms for time in times)
    display.table(f"{path.name}: {len(times)} operators, by ONNX Runtime's own profile",
                  ["block", "operators", "ms", "share"],
                  [[block, f"{count}", f"{ms:.4g}", f"{100 * ms / total:.1f} %"]
                   for block, (count, ms) in by_block(times).items()])
    slowest = sorted(times, key=lambda time: -time.ms)[:10]
    display.table("The slowest operators", ["operator", "kind", "block", "ms"],
                  [[time.name, time.kind, time.block, f"{time.ms:.4g}"] for time in slowest])
    display.message(f"They add up to {total:.4g} ms; without profiling the whole network takes {median_ms:.4g} ms.")


def _seconds(text: str) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        raise UserError(f"cap_s must be a number of seconds, got {text!r}.") from None
