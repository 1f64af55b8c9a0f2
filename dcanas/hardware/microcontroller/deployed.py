"""Generated C on a real microcontroller: images over its serial line, its answers held against this machine's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dcanas.basics.errors import UserError
from dcanas.export.c99.host import host_answers, host_compiler
from dcanas.export.c99.project import network_id
from dcanas.hardware.devices.device import Microcontroller
from dcanas.hardware.transport.serial_board import FIRMWARE, serial_board


def deploy_code(code: Path, onnx: Path, device: Microcontroller,
                images: NDArray[np.uint8]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Let the board that runs the code classify images.

    Args:
        code: the C files, as `write_c99` wrote them.
        onnx: the int8 file that they were made of.
        device: with a port.
        images: uint8 (N, C, H, W).

    Returns:
        A summary for the certificate, and all samples behind it.

    Raises:
        UserError: the board cannot be reached, runs another network, or gives no valid answer.
    """
    if device.port is None:
        raise UserError(f"{device.name} has no serial port in its profile; set connection: {{serial: /dev/ttyACM0}} in "
                        "a copy of it (docs/microcontrollers.md).")
    wanted = network_id(onnx.read_bytes())
    with serial_board(device.port, device.name) as board:
        told = board.greet()
        if told.network != wanted or told.image != (*images.shape[2:], images.shape[1]):
            raise UserError(f"Device {device.name} runs another network ({told.network}) than the run ships ({wanted})"
                            f"; {FIRMWARE}.")
        found = [board.classify(image, told) for image in images]
    logits, ticks = np.stack([answer for answer, _ in found]), np.array([spent for _, spent in found])
    answers = None
    if host_compiler() is not None:
        expected = host_answers(code, images)
        answers = {"n": len(images), "equal": int((expected == logits).all(axis=1).sum()),
                   "equal_classes": int((expected.argmax(axis=1) == logits.argmax(axis=1)).sum())}
    summary = {"device": device.name, "place": device.place, "network": told.network, "images": len(images),
               "answers": answers, "hertz": told.hertz,
               "ticks": {"median": float(np.median(ticks)), "least": int(ticks.min()), "most": int(ticks.max())},
               "median_ms": float(np.median(ticks)) / told.hertz * 1e3}
    return summary, {"ticks": ticks.tolist(), "logits": logits.tolist()}
