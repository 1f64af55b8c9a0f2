"""Generated code shown to fit a microcontroller, by a linker, and to answer there as here, by an emulator."""

from __future__ import annotations

import hashlib
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dcanas.basics.errors import UserError
from dcanas.export.c99.host import host_answers, run_tool
from dcanas.hardware.devices.device import Microcontroller
from dcanas.hardware.microcontroller.cores import Core, core_named
from dcanas.hardware.microcontroller.emulator import EMULATOR, emulate
from dcanas.hardware.microcontroller.image import COMPILER, FLAGS, Region, compile_network, link
from dcanas.hardware.microcontroller.stack import deepest_chain

LEAST_STACK = 512  # bytes that are left for it before it is known


@dataclass(frozen=True)
class Board:
    """What a microcontroller has: its core, and the flash and RAM that a program may use."""

    core: Core
    flash: Region
    ram: Region


def board_of(device: Microcontroller) -> Board:
    """Return what of a device's memory a program may use."""
    own, flash, ram = device.processor, device.flash_bytes, device.memory_bytes
    assert flash is not None
    assert ram is not None
    return Board(core_named(own.core),
                 Region(own.flash_address + own.flash_reserved_bytes, flash - own.flash_reserved_bytes),
                 Region(own.ram_address + own.ram_reserved_bytes, ram - own.ram_reserved_bytes))


def missing_tools() -> list[str]:
    """Return which programs a proof lacks here; `image.PACKAGES` installs them."""
    return [name for name in (COMPILER, EMULATOR) if shutil.which(name) is None]


def prove(folder: Path, board: Board, images: NDArray[np.uint8], build: Path) -> dict[str, Any]:
    """Return what the network in `folder` takes of the board and that it answers as on this machine.

    The same objects are linked twice: at the board's addresses, and, with the same lengths, at those of the machine
    that is emulated. What is stated is of the first; both have equal sections.

    Args:
        folder: as `write_c99` writes it; `images`: uint8 (N, C, H, W), all of which are emulated.
        build: a folder for objects and images.

    Raises `UserError` if the network does not fit, a tool is missing, or one byte of an answer differs.
    """
    core = board.core
    objects = compile_network(folder, core, build)
    twin = link(objects, core, Region(core.flash, board.flash.bytes), Region(core.ram, board.ram.bytes), LEAST_STACK,
                build / "emulated.elf")
    found = emulate(twin.path, core, images)
    stack = max(found.stack_bytes, deepest_chain(build.glob("*.ci")))
    stack += -stack % 8
    image = link(objects, core, board.flash, board.ram, stack, build / "network.elf", _arena_bytes(folder))
    if image.sections != twin.sections:
        raise RuntimeError(f"the two links differ: {image.sections} and {twin.sections}")
    expected = host_answers(folder, images)
    different = int((expected != found.logits).any(axis=1).sum())
    if different:
        raise UserError(f"Emulated on {core.machine}, {different} of {len(images)} images give other bytes than on "
                        "this machine; report it with the folder of C files.")
    return {
        "core": core.name, "emulated_on": core.machine,
        **({"emulated_as": core.emulated_as} if core.emulated_as else {}),
        "flash_bytes": image.flash_bytes, "flash_limit": board.flash.bytes,
        "ram_bytes": image.ram_bytes + stack, "ram_limit": board.ram.bytes,
        "stack_bytes": stack, "stack_painted_bytes": found.stack_bytes, "sections": image.sections,
        "of_these_harness": {"flash_bytes": image.harness_flash_bytes, "ram_bytes": image.harness_ram_bytes},
        "instructions": found.instructions, "emulated_images": len(images), "different_answers": 0,
        "compiler": _version(COMPILER), "flags": [*FLAGS, *core.flags], "emulator": _version(EMULATOR),
        "sha256": {path.name: hashlib.sha256(path.read_bytes()).hexdigest()
                   for path in (*sorted(folder.glob("*.[ch]")), image.path)},
    }


def _arena_bytes(folder: Path) -> int:
    found = re.search(r"#define NETWORK_ARENA_BYTES (\d+)", (folder / "network.h").read_text(encoding="utf-8"))
    assert found is not None
    return -(-int(found[1]) // 4) * 4


def _version(program: str) -> str:
    return run_tool([program, "--version"]).decode(errors="replace").splitlines()[0]
