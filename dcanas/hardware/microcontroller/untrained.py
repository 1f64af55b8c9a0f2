"""What a network takes of a microcontroller before it is trained: generated, linked and run with random weights."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from dcanas.basics.keys import derive_seed
from dcanas.costs import Networks
from dcanas.export.c99 import write_c99
from dcanas.hardware.devices.device import Microcontroller
from dcanas.hardware.measuring.measured_members import export_member
from dcanas.hardware.microcontroller.proof import board_of, build_for, why_not_linked
from dcanas.spaces import Architecture

SHOWN = 4  # random images that the activations' ranges are taken from; one of them is run


def linked_costs(networks: Networks, arch: Architecture, device: Microcontroller, limits: Mapping[str, float],
                 classes: Sequence[str], seed: int = 0) -> dict[str, int] | None:
    """Return `ram_bytes` and `flash_bytes` of an architecture's C, by the linker and, for the stack, by an emulator.

    Weights are numbers: they decide what an image is taken for, not how much memory that takes. Without an emulator the
    stack is that of the deepest chain of calls.

    Args:
        limits: `ram_bytes` and `flash_bytes`, at most what the device has.
        classes: names of the classes.
        seed: of weights and images.

    Returns None if code for the device cannot be linked here.
    Raises `UserError` naming the region that overflows, and by how many bytes.
    """
    board = board_of(device, limits)
    if why_not_linked(board.core):
        return None
    from dcanas.export.int8 import quantize_onnx

    rng = np.random.default_rng(derive_seed(seed, "images of an untrained network"))
    images = rng.integers(0, 256, (SHOWN, *networks.shape(arch)), dtype=np.uint8)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        export_member(networks, arch, folder / "model.onnx", device, seed, classes)
        quantize_onnx(folder / "model.onnx", folder / "model.int8.onnx", images, weight_bits=8)
        write_c99(folder / "model.int8.onnx", folder / "c99", board.core.arithmetic)
        built = build_for(folder / "c99", board, images[:1], folder / "build")
    return {"ram_bytes": built.ram_bytes, "flash_bytes": built.image.flash_bytes}
