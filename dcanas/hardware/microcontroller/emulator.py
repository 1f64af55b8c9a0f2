"""A linked image run under an emulator: its answers, the stack it used, and the instructions of an inference."""

from __future__ import annotations

import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dcanas.basics.errors import UserError
from dcanas.export.c99.host import run_tool
from dcanas.hardware.microcontroller.cores import Core
from dcanas.hardware.microcontroller.image import PACKAGES

EMULATOR = "qemu-system-arm"
LINE = re.compile(r"^(wrapped|ticks|stack) (\d+)$", re.MULTILINE)


@dataclass(frozen=True)
class Emulated:
    """What an emulator found.

    Attributes:
        logits: int8 (N, classes).
        instructions: of one inference, to within one tick of the timer; None if the timer ran over.
        stack_bytes: the deepest that was written.
    """

    logits: NDArray[np.int8]
    instructions: int | None
    stack_bytes: int


def emulate(image: Path, core: Core, images: NDArray[np.uint8], timeout_s: float = 600) -> Emulated:
    """Run the image on pictures.

    Args:
        image: linked at the addresses of the core's machine.
        images: uint8 (N, C, H, W).
        timeout_s: after which the run counts as failed, in seconds.

    Raises `UserError` if the emulator is missing, fails or takes too long.
    """
    if shutil.which(EMULATOR) is None or core.machine is None:
        raise UserError(f"Emulating {core.name} needs {EMULATOR}: {PACKAGES}.")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "images.bin").write_bytes(np.ascontiguousarray(images.transpose(0, 2, 3, 1)).tobytes())
        said = run_tool([EMULATOR, "-M", core.machine, "-display", "none", "-monitor", "none", "-serial", "none",
                         "-chardev", "stdio,id=said",
                         "-semihosting-config", "enable=on,target=native,chardev=said", "-icount", "shift=0",
                         "-kernel", str(image.resolve())], cwd=folder, timeout=timeout_s)
        answers = folder / "logits.bin"
        logits = np.frombuffer(answers.read_bytes() if answers.exists() else b"", np.int8)
    found = {name: int(value) for name, value in LINE.findall(said.decode(errors="replace"))}
    if not len(logits) or len(logits) % len(images) or "stack" not in found:
        raise UserError(f"{EMULATOR} ({core.machine}) gave {len(logits)} bytes for {len(images)} images; the program "
                        "broke off.")
    instructions = None if found["wrapped"] else round(found["ticks"] * core.tick_ns)
    return Emulated(logits.reshape(len(images), -1).copy(), instructions, found["stack"])
