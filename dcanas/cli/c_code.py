"""`dcanas export source=DIR to=c99`, `dcanas export onnx=FILE to=c99`: an int8 network as C for a microcontroller, and,
if the device's profile names its processor, proof that it fits and answers there as here."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dcanas.basics.array_file import FAULTS, require_as_said
from dcanas.basics.errors import UserError, unknown
from dcanas.basics.files import sha256_of, write_json
from dcanas.basics.typed_path import typed_path
from dcanas.cli.key_values import key_values
from dcanas.cli.terminal import Terminal
from dcanas.export.c99 import write_c99
from dcanas.export.c99.host import host_answers, host_compiler
from dcanas.export.c99.layouts import add_exchange, add_makefile, write_arduino
from dcanas.export.c99.project import Generated, add_selftest
from dcanas.export.c99.resize import add_resize
from dcanas.export.c99.sources import stored_labels
from dcanas.export.infer import LARGEST_TEST
from dcanas.export.onnx_file import require_bounded
from dcanas.hardware import list_devices, load_device
from dcanas.hardware.devices.device import Microcontroller
from dcanas.hardware.microcontroller.image import PACKAGES
from dcanas.hardware.microcontroller.proof import Board, board_of, missing_tools, prove, why_not_linked
from dcanas.report.delivery import BESIDE, CHOICES, RECOMMENDED, chosen_folder
from dcanas.report.kinds import read_result
from dcanas.report.microcontroller import proof_words

DEFAULTS = {"to": "c99", "source": "", "onnx": "", "device": "", "out": "", "arithmetic": "", "which": RECOMMENDED,
            "layout": "plain", "frame": ""}
LAYOUTS = ("plain", "arduino")
TESTED = 3  # images in selftest.c
EMULATED = 500  # images that the emulator runs
INT8 = "model.int8.onnx"


def main(command: str, arguments: Sequence[str]) -> int:
    values = key_values("export to=c99", arguments, DEFAULTS)
    if values["to"] != "c99":
        raise unknown("form of a network", values["to"], ["c99"])
    if bool(values["source"]) == bool(values["onnx"]):
        raise UserError("`dcanas export to=c99` needs either source=DIR, a finished run, or onnx=FILE, an int8 file.")
    if values["layout"] not in LAYOUTS:
        raise unknown("layout of the C files", values["layout"], LAYOUTS)
    if values["which"] not in CHOICES:
        raise unknown("network of a run", values["which"], CHOICES)
    file = _of_run(typed_path(values["source"]), values["device"], values["which"]) if values["source"] else \
        Path(values["onnx"])
    file = typed_path(file)
    require_bounded(file)
    board = _board(values["device"] or (_device_of(file) if values["source"] else ""), bool(values["onnx"]))
    arithmetic = values["arithmetic"] or (board.core.arithmetic if board else "float")
    display = Terminal()
    if values["layout"] == "arduino":
        return _arduino(display, file, typed_path(values["out"] or "dcanas_network"), arithmetic, values["frame"])
    folder = typed_path(values["out"] or file.parent / "c99")
    if folder == file.parent / "c99" and (file.parent / "proof.json").exists():
        if values["arithmetic"] or values["frame"]:
            raise UserError(f"{folder} holds the C that the run has certified; add out=FOLDER for other arithmetic or "
                            "for frame=.")
        proof = read_result(file.parent / "proof.json")
        display.message("\n".join([f"The run has made it: {folder}.", *proof_words(proof)]))
        return 0
    with display.stage(f"Write C to {folder}"):
        made, images = _written(file, folder, arithmetic, values["frame"])
        add_exchange(folder)
        add_makefile(folder)
    display.message(f"{len(made.program.steps)} steps; the arena takes {made.arena.bytes:,} bytes, of which at least "
                    f"{made.arena.lower_bound:,} are alive at once. network.h says how to call it; compile with "
                    "-std=c99 -O2 -ffp-contract=off.")
    if board is not None:
        _prove(display, made, file, folder, board, images)
    return 0


def _written(file: Path, folder: Path, arithmetic: str, frame: str) -> tuple[Generated, NDArray[np.uint8] | None]:
    """Write the C files, with a self-test if there are test images and a compiler; return also these images.

    frame: "WIDTHxHEIGHT" of a camera, if images are to be made of its frames.
    """
    size = re.fullmatch(r"(\d{1,5})x(\d{1,5})", frame)
    if frame and size is None:
        raise UserError(f"frame must be the size of a camera's picture in pixels, such as 320x240, got {frame!r}.")
    made, images = write_c99(file, folder, arithmetic), _test_images(file.parent / "bundle" / "test.npz")
    if images is not None and host_compiler():
        add_selftest(folder, images[:TESTED], host_answers(folder, images[:TESTED]))
    if size is not None:
        add_resize(folder, made.program, int(size[2]), int(size[1]))
    return made, images


def _arduino(display: Terminal, file: Path, folder: Path, arithmetic: str, frame: str) -> int:
    """Write the C files as a library of the Arduino IDE."""
    with display.stage(f"Write a library for Arduino to {folder}"), tempfile.TemporaryDirectory() as code:
        made, _ = _written(file, Path(code), arithmetic, frame)
        write_arduino(Path(code), folder, stored_labels(made.program))
    display.message("Copy the folder to the IDE's folder of libraries; the examples are under File > Examples > "
                    f"{folder.name}.")
    return 0


def _board(device: str, stated: bool) -> Board | None:
    """Return the board of a device; None for one without a processor, or of a run whose profile is not here."""
    if not device or (device not in list_devices() and not stated):
        return None
    found = load_device(device)
    return board_of(found) if isinstance(found, Microcontroller) else None


def _prove(display: Terminal, made: Generated, file: Path, folder: Path, board: Board,
           images: NDArray[np.uint8] | None) -> None:
    """Link and emulate, write `proof.json`, and say what was found or what is not proven."""
    if why := why_not_linked(board.core):
        display.message(f"Not proven to fit: {why}.")
        return
    if missing := missing_tools():
        display.message(f"Not proven to fit: {' and '.join(missing)} missing here ({PACKAGES}).")
        return
    if host_compiler() is None:
        display.message("Not proven to answer as here: there is no C compiler for this machine.")
        return
    if images is None:  # any bytes show that both compute the same
        images = np.random.default_rng(0).integers(0, 256, (TESTED, *made.program.image), dtype=np.uint8)
    with display.stage(f"Link and emulate {board.core.name}"), tempfile.TemporaryDirectory() as build:
        proof = prove(folder, board, images, Path(build))
        sums = {path.name: sha256_of(path) for path in sorted(folder.glob("*.[ch]"))} | proof["sha256"]
        write_json(folder / "proof.json", {**proof, "onnx_sha256": sha256_of(file), "arithmetic": board.core.arithmetic,
                                           "arena_bytes": made.arena.bytes, "not_proven": [], "sha256": sums})
    display.message("\n".join(proof_words(proof)))


def _of_run(source: Path, device: str, which: str) -> Path:
    """Return the int8 file of the network that a run ships for a device, or of the one that is asked for."""
    found = {folder.name: file for folder in sorted(source.glob("derived/*"))
             if (file := chosen_folder(folder, which) / INT8).is_file()}
    named = [file for name, file in found.items() if not device or name == device]
    if not named:
        raise UserError(f"{source} holds no int8 network{f' for {device}' if device else ''} (int8 networks there: "
                        f"{', '.join(found) or 'none'}); run it with int8=true or for a device of dtype int8.")
    if len(named) > 1:
        raise UserError(f"{source} holds int8 networks for {', '.join(found)}; add device=NAME.")
    return named[0]


def _device_of(file: Path) -> str:
    """Return the name of the device of a file in a run directory."""
    return file.parent.parent.name if file.parent.name == BESIDE else file.parent.name


def _test_images(path: Path) -> NDArray[np.uint8] | None:
    if not path.exists():
        return None
    try:
        require_as_said(path, LARGEST_TEST)
        with np.load(path, allow_pickle=False) as test:
            images: NDArray[np.uint8] = test["images"][:EMULATED]
    except FAULTS as error:
        raise UserError(f"{path} is damaged ({error}); `dcanas run source=DIR` makes the bundle again.") from error
    return images
