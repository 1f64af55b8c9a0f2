"""`dcanas export source=DIR to=c99`, `dcanas export onnx=FILE to=c99`: an int8 network as C for a microcontroller."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dcanas.basics.errors import UserError, unknown
from dcanas.cli.key_values import key_values
from dcanas.cli.terminal import Terminal
from dcanas.export.c99 import write_c99
from dcanas.export.c99.host import host_answers, host_compiler
from dcanas.export.c99.project import add_selftest

DEFAULTS = {"to": "c99", "source": "", "onnx": "", "device": "", "out": "", "arithmetic": "float"}
TESTED = 3  # images in selftest.c
INT8 = "model.int8.onnx"


def main(command: str, arguments: Sequence[str]) -> int:
    values = key_values("export to=c99", arguments, DEFAULTS)
    if values["to"] != "c99":
        raise unknown("form of a network", values["to"], ["c99"])
    if bool(values["source"]) == bool(values["onnx"]):
        raise UserError("`dcanas export to=c99` needs either source=DIR, a finished run, or onnx=FILE, an int8 file.")
    file = _of_run(Path(values["source"]).expanduser(), values["device"]) if values["source"] else Path(values["onnx"])
    file = file.expanduser()
    folder = Path(values["out"] or file.parent / "c99").expanduser()
    display = Terminal()
    with display.stage(f"Write C to {folder}"):
        made = write_c99(file, folder, values["arithmetic"])
        images = _test_images(file.parent / "bundle" / "test.npz")
        if images is not None and host_compiler():
            add_selftest(folder, images, host_answers(folder, images))
    display.message(f"{len(made.program.steps)} steps; the arena takes {made.arena.bytes:,} bytes, of which at least "
                    f"{made.arena.lower_bound:,} are alive at once. network.h says how to call it; compile with "
                    "-std=c99 -O2 -ffp-contract=off.")
    return 0


def _of_run(source: Path, device: str) -> Path:
    """Return the int8 file of a run's device."""
    found = sorted(source.glob(f"derived/*/{INT8}"))
    named = [path for path in found if not device or path.parent.name == device]
    if not named:
        there = ", ".join(path.parent.name for path in found) or "none"
        raise UserError(f"{source} holds no int8 network{f' for {device}' if device else ''} (int8 networks there: "
                        f"{there}); run it with int8=true or for a device of dtype int8.")
    if len(named) > 1:
        raise UserError(f"{source} holds int8 networks for {', '.join(p.parent.name for p in named)}; add device=NAME.")
    return named[0]


def _test_images(path: Path) -> NDArray[np.uint8] | None:
    if not path.exists():
        return None
    with np.load(path, allow_pickle=False) as test:
        images: NDArray[np.uint8] = test["images"][:TESTED]
    return images
