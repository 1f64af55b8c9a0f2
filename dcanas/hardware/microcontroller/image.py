"""Generated C compiled and linked for a microcontroller, with what each part takes."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dcanas.basics.errors import UserError
from dcanas.export.c99.host import ToolError, run_tool
from dcanas.hardware.microcontroller.cores import Core

COMPILER = "arm-none-eabi-gcc"
PACKAGES = "apt install gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm"
FIRMWARE = Path(__file__).with_name("firmware")
NETWORK = ("network.c", "weights.c")
HARNESS = ("start.c", "serve.c")
FLAGS = ("-std=c99", "-O2", "-mthumb", "-ffp-contract=off", "-ffunction-sections", "-fdata-sections",
         "-fcallgraph-info=su")
_OVERFLOW = re.compile(r"region `(\w+)' overflowed by (\d+) bytes?")


@dataclass(frozen=True)
class Region:
    """A piece of memory, in bytes."""

    address: int
    bytes: int


@dataclass(frozen=True)
class Image:
    """A linked image.

    Attributes:
        flash_bytes: code, weights, tables and the initial values of variables.
        ram_bytes: variables, the arena among them, without the stack.
        harness_flash_bytes, harness_ram_bytes: what of these start-up and the exchange of images and answers take; the
            arena is not part of it, the buffers for an image and its logits are.
        sections: bytes by the linker's section.
    """

    path: Path
    flash_bytes: int
    ram_bytes: int
    harness_flash_bytes: int
    harness_ram_bytes: int
    sections: dict[str, int]


def compile_network(folder: Path, core: Core, build: Path) -> list[Path]:
    """Compile the network in `folder` and the harness around it; return the objects, in `build`.

    Raises `UserError` if the compiler is missing or refuses.
    """
    if shutil.which(COMPILER) is None:
        raise UserError(f"Compiling for {core.name} needs {COMPILER}: {PACKAGES}.")
    build.mkdir(parents=True, exist_ok=True)
    objects = []
    for source in (*(folder / name for name in NETWORK), *(FIRMWARE / name for name in HARNESS)):
        made = build / f"{source.stem}.o"
        run_tool([COMPILER, *FLAGS, *core.flags, "-I", str(FIRMWARE), "-I", str(folder), "-c", str(source), "-o",
                  str(made)])
        objects.append(made)
    return objects


def link(objects: Sequence[Path], core: Core, flash: Region, ram: Region, stack_bytes: int, path: Path,
         arena_bytes: int = 0) -> Image:
    """Link the objects at these addresses and no further.

    Args:
        stack_bytes: that must be left of the RAM.
        path: of the image.
        arena_bytes: of the network's arena, which the harness declares.

    Raises `UserError` naming the region that overflows, and by how many bytes.
    """
    script = path.with_suffix(".ld")
    script.write_text(f"MEMORY {{ FLASH (rx) : ORIGIN = {flash.address:#x}, LENGTH = {flash.bytes}\n"
                      f"RAM (rwx) : ORIGIN = {ram.address:#x}, LENGTH = {ram.bytes} }}\nSTACK_BYTES = {stack_bytes};\n"
                      + (FIRMWARE / "sections.ld").read_text(encoding="utf-8"), encoding="utf-8")
    try:
        run_tool([COMPILER, *FLAGS, *core.flags, "-nostartfiles", "-Wl,--gc-sections", "-T", str(script),
                  *map(str, objects), "-lc", "-lgcc", "-o", str(path)])
    except ToolError as error:
        raise _overflow(error, flash, ram, stack_bytes) from error
    sections = _sections(path)
    of_harness = [_sections(made) for made in objects if f"{made.stem}.c" in HARNESS]
    return Image(path, sections[".text"] + sections[".data"], sections[".data"] + sections[".bss"],
                 sum(s[".text"] + s[".data"] for s in of_harness),
                 sum(s[".data"] + s[".bss"] for s in of_harness) - arena_bytes, sections)


def _overflow(error: ToolError, flash: Region, ram: Region, stack_bytes: int) -> UserError:
    if found := _OVERFLOW.search(error.said):
        region, more = (flash, "flash_bytes") if found[1] == "FLASH" else (ram, "ram_bytes")
        needed = region.bytes + int(found[2])
        if region is ram:  # the stack comes behind variables, at a multiple of 8
            needed += -needed % 8 + stack_bytes
        return UserError(f"The network does not fit: {more} is {region.bytes:,} bytes, {needed - region.bytes:,} too "
                         f"few; if the device has more, type budget.{more}={needed} or more, else search with a "
                         "smaller limit or choose a larger device.")
    if "no room for the stack" in error.said:
        return UserError(f"The network does not fit: of ram_bytes, {ram.bytes:,} bytes, variables leave less than the "
                         f"{stack_bytes:,} bytes of the stack; search with a smaller limit or choose a larger device.")
    return error


def _sections(path: Path) -> dict[str, int]:
    """Return the bytes of code and constants, of variables with initial values, and of others."""
    said = run_tool([COMPILER.replace("gcc", "size"), "-B", str(path)]).decode()
    text, data, bss = (int(word) for word in said.splitlines()[1].split()[:3])
    return {".text": text, ".data": data, ".bss": bss}
