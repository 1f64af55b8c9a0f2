"""Devices: the targets that networks run on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from dcanas.basics.errors import unknown


@dataclass(frozen=True)
class Runtime:
    """What executes the network on a device: the exported file itself, or what it is converted to.

    Attributes:
        version: the oldest version of ONNX Runtime that the file must load in; None if it is not known.
        opset, ir_version: of the exported file.
    """

    name: str
    version: str | None
    opset: int
    ir_version: int


@dataclass(frozen=True)
class Ssh:
    """A board that the user's own OpenSSH client reaches without any prompt (`ssh HOST true`).

    Attributes:
        ssh: host as `ssh` takes it: a name of ~/.ssh/config, or user@address.
        python: the board's Python, with numpy and onnxruntime.
        folder: on the board, for files that are measured or deployed; None: its temporary folder.
        timeout_s: how long the board may be silent before it counts as lost, in seconds.
    """

    ssh: str
    python: str = "python3"
    folder: str | None = None
    timeout_s: float = 60.0


@dataclass(frozen=True)
class Serial:
    """A microcontroller that answers over a serial line (see `export.c99.layouts.add_exchange`).

    Attributes:
        serial: the port, such as /dev/ttyACM0.
        baud: bits per second; of no consequence where the port is USB.
        timeout_s: how long the board may be silent before it counts as lost, in seconds.
    """

    serial: str
    baud: int = 115200
    timeout_s: float = 10.0


@dataclass(frozen=True)
class Expected:
    """Requirements on the machine that measures; without them nothing is measured. None accepts any value.

    Attributes:
        machine: as `uname -m` says, such as x86_64 or aarch64.
        cores: number of cores that a process may use.
        governor: of the processor's clock.
    """

    machine: str | None = None
    cores: int | None = None
    governor: str | None = None


@dataclass(frozen=True)
class Processor:
    """A microcontroller's core and where its memory lies, for a compiler and a linker.

    Attributes:
        core: see `microcontroller.cores.CORES`.
        flash_address, ram_address: of the first byte, that of a boot loader included.
        flash_reserved_bytes, ram_reserved_bytes: at these addresses, which a system keeps for itself.
    """

    core: str
    flash_address: int
    ram_address: int
    flash_reserved_bytes: int = 0
    ram_reserved_bytes: int = 0


@dataclass(frozen=True)
class Device:
    """A device, as its profile describes it.

    Attributes:
        runtime, provider, threads: what executes the network: provider is one of ONNX Runtime's execution providers,
            threads are those inside an operator.
        memory_bytes, flash_bytes: what the device has (see `capacity`); None: no limit.
        dtype: of the delivered network, "fp32" or "int8".
        connection: "local", a board, or None if the device cannot be reached.
        costs: cost name -> source of the number that decides whether a limit is met (`cost_sources.SOURCES`).
        table: the device's name in the published tables.
        sources: figure of the profile -> where it was read.
        board: what is checked before anything is measured.
    """

    name: str
    description: str
    runtime: Runtime
    provider: str
    threads: int
    memory_bytes: int | None
    flash_bytes: int | None
    dtype: str
    connection: Literal["local"] | Ssh | None
    costs: Mapping[str, str] = field(hash=False)
    table: str | None = None
    sources: Mapping[str, str] = field(default_factory=dict, hash=False)
    board: Expected = Expected()

    @property
    def capacity(self) -> dict[str, int | None]:
        """The most that the device has of a cost, in bytes; None: no limit."""
        return {"peak_bytes": self.memory_bytes, "weight_bytes": self.flash_bytes}

    @property
    def place(self) -> str:
        """How the device is reached, for messages."""
        return f"ssh {self.connection.ssh}" if isinstance(self.connection, Ssh) else self.connection or "none"

    def source(self, cost: str) -> str:
        """Return the source of a cost; raises `UserError` if the device has none for it."""
        if cost not in self.costs:
            raise unknown(f"cost of device {self.name}", cost, self.costs)
        return self.costs[cost]


@dataclass(frozen=True)
class Microcontroller(Device):
    """A device on which generated C runs (`runtime.name: c99`).

    Attributes:
        port: over which a board that runs the code answers; None: none can be reached.
    """

    processor: Processor = Processor("cortex-m4", 0, 0x20000000)
    port: Serial | None = None

    @property
    def place(self) -> str:
        return f"serial line {self.port.serial}" if self.port else "none"

    @property
    def capacity(self) -> dict[str, int | None]:
        """The RAM and flash that its system leaves, in bytes."""
        assert self.memory_bytes is not None
        assert self.flash_bytes is not None
        return {"ram_bytes": self.memory_bytes - self.processor.ram_reserved_bytes,
                "flash_bytes": self.flash_bytes - self.processor.flash_reserved_bytes}
