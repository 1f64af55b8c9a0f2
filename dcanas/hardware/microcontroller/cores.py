"""The processor cores that code can be compiled for, and the machine on which an emulator runs it."""

from __future__ import annotations

from dataclasses import dataclass

from dcanas.basics.errors import unknown


@dataclass(frozen=True)
class Core:
    """A core.

    Attributes:
        flags: of GCC.
        arithmetic: of the generated code: "float" if the core has 32-bit floats, else "integer".
        machine: of QEMU; it has a core of this kind, or one that runs the same code. None: code for this core is
            neither linked nor emulated here.
        flash, ram: addresses of that machine's memory for code and for data.
        tick_ns: of its timer, when QEMU counts an instruction as a nanosecond: so many instructions a tick.
        emulated_as: the core of the machine, if it is another.
    """

    name: str
    flags: tuple[str, ...]
    arithmetic: str
    machine: str | None
    flash: int = 0
    ram: int = 0x20000000
    tick_ns: float = 40.0  # 25 MHz
    emulated_as: str | None = None


CORES = {core.name: core for core in (
    # The emulated M0 has 16 KB of RAM, so that its code runs on an M3, which knows all its instructions.
    Core("cortex-m0", ("-mcpu=cortex-m0",), "integer", "mps2-an385", emulated_as="cortex-m3"),
    Core("cortex-m0plus", ("-mcpu=cortex-m0plus",), "integer", "mps2-an385", emulated_as="cortex-m3"),
    Core("cortex-m3", ("-mcpu=cortex-m3",), "integer", "mps2-an385"),
    Core("cortex-m4", ("-mcpu=cortex-m4", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"), "float", "mps2-an386"),
    Core("cortex-m7", ("-mcpu=cortex-m7", "-mfloat-abi=hard", "-mfpu=fpv5-d16"), "float", "mps2-an500"),
    Core("cortex-m33", ("-mcpu=cortex-m33", "-mfloat-abi=hard", "-mfpu=fpv5-sp-d16"), "float", "mps2-an505",
         0x10000000, 0x38000000, 50.0),
    Core("cortex-m55", ("-mcpu=cortex-m55", "-mfloat-abi=hard"), "float", "mps3-an547", tick_ns=31.25),
    Core("xtensa-lx7", (), "float", None),
)}


def core_named(name: str) -> Core:
    """Return a core; raises `UserError` with the nearest name if there is none."""
    if name not in CORES:
        raise unknown("core", name, CORES)
    return CORES[name]
