"""`dcanas profile onnx=FILE device=NAME`: the latency of any ONNX file. Writes nothing."""

from __future__ import annotations

from pathlib import Path

from dcanas.basics.errors import unknown
from dcanas.commands.display import Display
from dcanas.commands.stages.profiling import show_profile
from dcanas.hardware import load_device, profile_onnx


def main(arguments: list[str]) -> int:
    values = {"onnx": "", "device": "local-cpu"}
    for text in arguments:
        key, _, value = text.partition("=")
        if key not in values:
            raise unknown("setting of `dcanas profile onnx=FILE`", key, values)
        values[key] = value
    device, display = load_device(values["device"]), Display()
    with display.stage(f"Measure on {device.name}"):
        profile = profile_onnx(Path(values["onnx"]).expanduser(), device)
    show_profile(display, profile)
    return 0
