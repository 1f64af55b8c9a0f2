"""Generated code shown to fit a microcontroller, by a linker, and to answer there as here, by an emulator."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dcanas.basics.errors import UserError
from dcanas.basics.files import sha256_of
from dcanas.export.c99.host import host_answers, version_of
from dcanas.hardware.devices.device import Microcontroller
from dcanas.hardware.microcontroller.cores import Core, core_named
from dcanas.hardware.microcontroller.emulator import EMULATOR, Emulated, emulate
from dcanas.hardware.microcontroller.image import COMPILER, FLAGS, PACKAGES, Image, Region, compile_network, link
from dcanas.hardware.microcontroller.stack import deepest_chain

LEAST_STACK = 512  # bytes that are always left for it


@dataclass(frozen=True)
class Board:
    """What a microcontroller has: its core, and the flash and RAM that a program may use."""

    core: Core
    flash: Region
    ram: Region


def board_of(device: Microcontroller, limits: Mapping[str, float] | None = None) -> Board:
    """Return what of a device's memory a program may use. limits: `ram_bytes` and `flash_bytes`, if they are less.

    The stack begins at the end of the RAM, at a multiple of 8.
    """
    own, most = device.processor, {**device.capacity, **(limits or {})}
    return Board(core_named(own.core),
                 Region(own.flash_address + own.flash_reserved_bytes, int(most["flash_bytes"] or 0)),
                 Region(own.ram_address + own.ram_reserved_bytes, int(most["ram_bytes"] or 0) // 8 * 8))


def missing_tools() -> list[str]:
    """Return which programs a proof lacks here; `image.PACKAGES` installs them."""
    return [name for name in (COMPILER, EMULATOR) if shutil.which(name) is None]


def why_not_linked(core: Core) -> str:
    """Return in words why code for a core cannot be linked here; nothing if it can."""
    if core.machine is None:
        return f"code for {core.name} is neither linked nor emulated by this project"
    return f"{COMPILER} is missing ({PACKAGES})" if shutil.which(COMPILER) is None else ""


@dataclass(frozen=True)
class Built:
    """A network compiled and linked for a board.

    Attributes:
        found: by the emulator; None if there is none.
        stack_bytes: the larger of what the emulated run wrote and of the deepest chain of calls.
    """

    image: Image
    found: Emulated | None
    stack_bytes: int

    @property
    def ram_bytes(self) -> int:
        return self.image.ram_bytes + self.stack_bytes


def build_for(folder: Path, board: Board, images: NDArray[np.uint8], build: Path) -> Built:
    """Return the network in `folder` linked for a board and, if there is an emulator, run on `images`.

    The same objects are linked twice: at the board's addresses, and, with the same lengths, at those of the machine
    that is emulated. What is stated is of the first; both have equal sections.

    Args:
        folder: as `write_c99` writes it.
        images: uint8 (N, C, H, W).
        build: a folder for objects and images.

    Raises `UserError` if the network does not fit, or the compiler is missing.
    """
    core, twin, found = board.core, None, None
    objects = compile_network(folder, core, build)
    stack = max(LEAST_STACK, deepest_chain(build.glob("*.ci")))
    if shutil.which(EMULATOR):
        twin = link(objects, core, Region(core.flash, board.flash.bytes), Region(core.ram, board.ram.bytes),
                    stack, build / "emulated.elf")
        found = emulate(twin.path, core, images)
    stack = max(stack, found.stack_bytes if found else 0)
    stack += -stack % 8
    image = link(objects, core, board.flash, board.ram, stack, build / "network.elf", _arena_bytes(folder))
    if twin is not None and image.sections != twin.sections:
        raise RuntimeError(f"the two links differ: {image.sections} and {twin.sections}")
    return Built(image, found, stack)


def prove(folder: Path, board: Board, images: NDArray[np.uint8], build: Path) -> dict[str, Any]:
    """Return what the network in `folder` takes of the board and that it answers as on this machine.

    Args: see `build_for`; all images are emulated.
    Raises `UserError` if the network does not fit, a tool is missing, or one byte of an answer differs.
    """
    core, built = board.core, build_for(folder, board, images, build)
    found = built.found
    if found is None:
        raise UserError(f"Emulating {core.name} needs {EMULATOR}: {PACKAGES}.")
    expected = host_answers(folder, images)
    different = int((expected != found.logits).any(axis=1).sum())
    if different:
        raise UserError(f"Emulated on {core.machine}, {different} of {len(images)} images give other bytes than on "
                        "this machine; report it with the folder of C files.")
    return {**linked_facts(board, built), "emulated_on": core.machine,
            **({"emulated_as": core.emulated_as} if core.emulated_as else {}),
            "stack_painted_bytes": found.stack_bytes, "instructions": found.instructions,
            "emulated_images": len(images), "different_answers": 0, "emulator": version_of(EMULATOR)}


def linked_facts(board: Board, built: Built) -> dict[str, Any]:
    """Return what the linker says, as JSON types, and of which image."""
    image = built.image
    return {"core": board.core.name,
            "flash_bytes": image.flash_bytes, "flash_limit": board.flash.bytes,
            "ram_bytes": built.ram_bytes, "ram_limit": board.ram.bytes,
            "stack_bytes": built.stack_bytes, "sections": image.sections,
            "of_these_harness": {"flash_bytes": image.harness_flash_bytes, "ram_bytes": image.harness_ram_bytes},
            "compiler": version_of(COMPILER), "flags": [*FLAGS, *board.core.flags],
            "sha256": {image.path.name: sha256_of(image.path)}}


def _arena_bytes(folder: Path) -> int:
    found = re.search(r"#define NETWORK_ARENA_BYTES (\d+)", (folder / "network.h").read_text(encoding="utf-8"))
    assert found is not None
    return -(-int(found[1]) // 4) * 4
