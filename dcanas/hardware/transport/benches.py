"""Files under measurement, in this process or on a board, by the same worker."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from dcanas.basics.errors import UserError
from dcanas.export import worker
from dcanas.hardware.devices.device import Device, Ssh
from dcanas.hardware.devices.machine import check_machine
from dcanas.hardware.devices.runtimes import runtimes
from dcanas.hardware.transport.progress import report_blocks

APART_S = 0.5  # between two reports, so that they cost nothing beside measuring


class Bench(Protocol):
    """Files under measurement; `machine` is what `worker.look` returns on the machine that measures them."""

    machine: Mapping[str, Any]

    def measure(self, labels: Sequence[str]) -> dict[str, Any]:
        """Return new `samples` (label -> (rounds, repeats, runs) nanoseconds), `states`, `facts` and `left_s`."""
        ...


@contextlib.contextmanager
def bench(files: Mapping[str, Path], device: Device, seconds: float, seed: int,
          cap_s: float | None = None) -> Iterator[Bench]:
    """Open files for measurement on the device, after a check of its machine.

    Args:
        files: label -> path of an ONNX file.
        seconds, cap_s: of counted runs per file, and of measuring altogether (`profile_onnx`).
        seed: of the input and of the order of visits.

    Raises:
        UserError: the files cannot be measured.
        BoardLostError: the connection to the board failed.
    """
    if isinstance(device.connection, Ssh):
        from dcanas.hardware.transport.on_board import board_bench  # here: only boards need it

        with board_bench(files, device, device.connection, seconds, seed, cap_s) as opened:
            yield opened
        return
    machine = worker.look()
    check_machine(device, machine)
    try:
        kind = worker.Bench if device.runtime.name not in runtimes else partial(_PluginBench, device)
        machine = machine if kind is worker.Bench else {**machine, "runtime": device.runtime.name}
        yield _Here(machine, kind({label: str(path) for label, path in files.items()}, device.threads,
                                  device.provider, seconds, seed, cap_s=cap_s))
    except worker.WorkerError as error:
        raise UserError(str(error)) from error


class _PluginBench(worker.Bench):
    """Files that a plug-in's runtime executes, by the same protocol."""

    def __init__(self, device: Device, *arguments: Any, **options: Any):
        self._device = device
        super().__init__(*arguments, **options)

    def _open(self, path: str, threads: int, provider: str) -> dict[str, Any]:
        subject: dict[str, Any] = super()._open(path, threads, "CPUExecutionProvider")
        (image,) = subject["run"][0].args[1].values()
        opened = runtimes[self._device.runtime.name]
        return {**subject, "run": [partial(opened(Path(path), threads), image) for _ in subject["run"]]}


@dataclass
class _Here:
    machine: Mapping[str, Any]
    opened: worker.Bench
    reported: float = 0.0

    def measure(self, labels: Sequence[str]) -> dict[str, Any]:
        self.opened.tell = self._report
        found = self.opened.measure(labels)
        samples = {label: np.array(times, dtype=np.int64) for label, times in found["samples"].items()}
        return {**found, "samples": samples, "facts": self.opened.facts()}

    def _report(self) -> None:
        if (now := time.monotonic()) - self.reported > APART_S:
            self.reported = now
            report_blocks(self.opened.done, self.opened.planned)
