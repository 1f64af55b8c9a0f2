"""Published tables as costs: the latency and energy of every architecture, for the networks they were made for.

HW-NAS-Bench (Li et al., ICLR 2021): all NAS-Bench-201 codes on six devices, batch 1, CIFAR-10 and CIFAR-100.
HELP (Lee et al., NeurIPS 2021): latencies of the same codes on 27 devices and batch sizes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from dcanas.basics.errors import UserError
from dcanas.costs import Domain
from dcanas.costs.tabular import TabularCost
from dcanas.hardware.latency.table_files import read_arrays, read_rows, require_milliseconds, tables_folder
from dcanas.spaces import Architecture, load_space

CLASSES = {"cifar10": 10, "cifar100": 100}
HW_NAS_BENCH = {  # column -> (device, cost, unit)
    f"{device}_{kind}": (device, cost, unit)
    for device, kinds in (("edgegpu", ("latency", "energy")), ("raspi4", ("latency",)), ("edgetpu", ("latency",)),
                          ("pixel3", ("latency",)), ("eyeriss", ("latency", "energy")), ("fpga", ("latency", "energy")))
    for kind in kinds for cost, unit in [("latency_ms", "ms") if kind == "latency" else ("energy_mj", "mJ")]
}
RUNTIMES = {  # what executed the networks of HW-NAS-Bench (section 3 and appendix of the paper)
    "edgegpu": "tensorrt", "raspi4": "tflite", "edgetpu": "tflite-edgetpu", "pixel3": "tflite",
    "eyeriss": "simulator", "fpga": "hls",
}
HELP = "nasbench201_latency_devices.npz"
SKELETON: dict[str, Any] = {"channels": 16, "cells": 5}  # of the networks in all of these tables
NOT_AVAILABLE = -1.0  # the tables' mark


@dataclass(frozen=True, eq=False)
class TableCost(TabularCost):
    """One published number per code; infinite, so within no limit, for codes that have none.

    Codes marked -1 ("could not be compiled") and codes without a path from input to output have none; entries of the
    latter are those of an empty network. Under probabilities, an unavailable code counts as much as the most expensive
    available one, so that a gradient leads away from it.

    Attributes:
        provenance: file and column.
    """

    provenance: str = ""

    def available(self, arch: Architecture) -> bool:
        """Return whether the table has a number for this code."""
        return bool(np.isfinite(self.table[arch.choices]))

    def _like(self, probabilities: Any) -> Any:
        filled = np.where(np.isfinite(self.table), self.table, self.table[np.isfinite(self.table)].max())
        if isinstance(probabilities, np.ndarray):
            return filled.astype(probabilities.dtype)
        key = (probabilities.dtype, probabilities.device)
        if key not in self._cache:
            self._cache[key] = probabilities.new_tensor(filled.tolist())
        return self._cache[key]


def load_tables(data: str = "cifar10", folder: Path | str | None = None) -> dict[str, TableCost]:
    """Return every published cost of NAS-Bench-201 by `DEVICE.cost` (`raspi4.latency_ms`, `1080ti_32.latency_ms`).

    Args:
        data: "cifar10", or "cifar100", for which only HW-NAS-Bench has numbers.
        folder: of the tables; None: `DCANAS_TABLES`.

    Raises:
        UserError: a table is missing, incomplete, or in another order or unit.
    """
    if data not in CLASSES:
        raise UserError(f"The published tables are for {' and '.join(CLASSES)}, not {data!r}.")
    return dict(_load(data, Path(folder) if folder else tables_folder(f"hw_nas_bench_{data}.csv.gz")))


@lru_cache(maxsize=4)
def _load(data: str, folder: Path) -> dict[str, TableCost]:
    space = load_space("nasbench201")
    codes = list(space.enumerate())
    alive = np.array([not space.is_dead(a) for a in codes])
    choices = np.array([a.choices for a in codes])

    def spread(values: np.ndarray) -> np.ndarray:
        table = np.full([len(slot.options) for slot in space.slots], np.inf)
        there = alive & (values != NOT_AVAILABLE)
        table[tuple(choices[there].T)] = values[there]
        return table

    domain = Domain.of(space, (3, 32, 32), CLASSES[data], **SKELETON)
    found = {}
    path = folder / f"hw_nas_bench_{data}.csv.gz"
    columns = read_rows(path, list(HW_NAS_BENCH), [space.format(a) for a in codes])
    for column, (device, cost, unit) in HW_NAS_BENCH.items():
        _plausible(path, column, columns[column], cost)
        found[f"{device}.{cost}"] = TableCost(
            spread(columns[column]), cost, unit, "looked up",
            replace(domain, runtime=RUNTIMES[device]), provenance=f"HW-NAS-Bench, {path.name}, column {column}")
    path = folder / HELP
    if data == "cifar10" and path.is_file():
        for name, values in read_arrays(path, len(codes)).items():
            _plausible(path, name, values.astype(float), "latency_ms")
            batch = re.fullmatch(r"(?:\d+ti|titan\w*)_(\d+)", name)  # of a CPU the digits are its model
            found.setdefault(f"{name}.latency_ms", TableCost(
                spread(values.astype(float)), "latency_ms", "ms", "looked up",
                replace(domain, runtime="pytorch", batch=int(batch[1]) if batch else 1),
                provenance=f"HELP, {path.name}, array {name}"))
    return found


def _plausible(path: Path, name: str, values: np.ndarray, cost: str) -> None:
    there = values[values != NOT_AVAILABLE]
    if not len(there) or there.min() <= 0:
        raise UserError(f"{path}: {name} holds a value that is neither positive nor {NOT_AVAILABLE:.0f} (not "
                        "available); import the table again.")
    if cost == "latency_ms":
        require_milliseconds(path, name, there)
