"""Files under measurement on a board, and what the board is.

What the board says of its measurement is held against what was asked and against the clock here.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from dcanas.basics.errors import UserError
from dcanas.export import worker
from dcanas.hardware.devices.device import Device, Ssh
from dcanas.hardware.devices.machine import check_machine
from dcanas.hardware.transport.board import Worker, connected
from dcanas.hardware.transport.board_protocol import (
    LOOK,
    RUNTIME,
    block_of,
    block_times,
    facts_of,
    number,
    states_of,
    text,
)
from dcanas.hardware.transport.plausible import require_facts, require_same, require_times

OPEN_S = 5.0  # for a board to open a file twice
WARM_S = 20.0  # for a run of a slow network, three times, to warm one of the two up
TIME_BYTES = 16  # of one time in an answer
REST_BYTES = 1 << 20  # of everything else in it

HOT_CELSIUS = 70.0  # above it before a measurement, a warning is given
BUSY = 0.5  # load per core, likewise


@contextlib.contextmanager
def board_bench(files: Mapping[str, Path], device: Device, connection: Ssh, seconds: float, seed: int,
                cap_s: float | None) -> Iterator[OnBoard]:
    """Copy files to a board and open them for measurement there; see `bench`."""
    with connected(connection, device.name) as started:
        machine = look(started, device)
        started.ask("open", {"folder": text}, folder=connection.folder, name=None)
        names = {label: f"{number}.onnx" for number, label in enumerate(files)}
        for label, path in files.items():
            started.store(path, names[label])
        yield OnBoard(started, machine, names, device, seconds, seed, cap_s)


class OnBoard:
    """Files under measurement on a board.

    names: label -> file in the worker's folder. machine: what `look` returned.
    """

    def __init__(self, started: Worker, machine: Mapping[str, Any], names: Mapping[str, str], device: Device,
                 seconds: float, seed: int, cap_s: float | None = None):
        self._worker, self.machine = started, machine
        started.ask("bench", {"opened": lambda found: found == len(names)}, files=dict(names), threads=device.threads,
                    provider=device.provider, seconds=seconds, seed=seed, cap_s=cap_s, takes_s=OPEN_S * len(names))
        warm_up_s = worker.REPEATS * len(names) * (WARM_S + max(0.1, seconds / 4))
        checks = {"facts": facts_of(list(names)), "left_s": number}
        self._facts = started.ask("prepare", checks, takes_s=warm_up_s, longest=REST_BYTES)["facts"]
        sent = {label: started.sent[name] for label, name in names.items()}
        self._plans = require_facts(device.name, self._facts, sent, seconds, cap_s, started.took_s)
        self._left_s = max(fact["cap_s"] for fact in self._facts.values())

    def measure(self, labels: Sequence[str]) -> dict[str, Any]:
        """Return what a measurement of these files found; see `Bench`."""
        labels = list(labels)
        plans = [self._plans[label] for label in labels]
        least_s = sum((worker.LEAST_ROUNDS + 1) * plan.round_s for plan in plans)
        checks = {"facts": facts_of(list(self._facts)), "states": states_of, "left_s": number}
        found = self._worker.ask("measure", checks, labels=labels, takes_s=max(self._left_s, least_s),
                                 longest=REST_BYTES + TIME_BYTES * sum(plan.times for plan in plans))
        require_same(self._worker.name, self._facts, found["facts"])
        self._left_s = min(found["left_s"], self._left_s)
        try:
            samples = {label: block_times(found["samples"][label], self._facts[label]) for label in labels}
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(f"Device {self._worker.name} answered with invalid times ({error}); none of them is "
                            "used. Run the command again.") from error
        require_times(self._worker.name, samples, found["states"], self.machine["clock_ns"], self._worker.took_s)
        return {"states": found["states"], "facts": self._facts, "left_s": found["left_s"], "samples": samples}


def look(started: Worker, device: Device) -> dict[str, Any]:
    """Return what `worker.look` reports of a board; warns if the board is hot or busy.

    Raises:
        UserError: packages are missing there, or the board is not the one that the profile describes.
    """
    found = started.ask("look", LOOK)
    if found["missing"]:
        raise UserError(f"Device {device.name}: its Python ({found['python']}) lacks packages that measuring needs "
                        f"({found['missing'].rstrip('.')}); run `pip install numpy onnxruntime` there, or set "
                        "connection.python to one that has them.")
    if not block_of(RUNTIME)(found):
        raise UserError(f"Device {device.name} does not report its version of ONNX Runtime; check its installation.")
    check_machine(device, found)
    now = found["state"]
    if now["celsius"] is not None and now["celsius"] > HOT_CELSIUS:
        warnings.warn(f"Device {device.name} is {now['celsius']:.0f} °C hot before anything is measured; let it cool.",
                      stacklevel=2)
    if now["load"] and now["load"][0] > BUSY * found["cores"]:
        warnings.warn(f"Device {device.name} is busy (load {now['load'][0]:g} on {found['cores']} cores) before "
                      "anything is measured.", stacklevel=2)
    return {key: found[key] for key in (*LOOK, *RUNTIME) if key not in ("missing", "state")}
