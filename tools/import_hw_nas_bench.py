"""Import the official HW-NAS-Bench pickle (Li et al., ICLR 2021).

    python -m tools import_hw_nas_bench FILE FOLDER

Writes hw_nas_bench_cifar10.csv.gz and hw_nas_bench_cifar100.csv.gz for NAS-Bench-201, and hw_nas_bench_fbnet.json with
the look-up tables of FBNet's blocks as they are. The pickle is read by a restricted reader: nothing in it runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dcanas.basics.errors import UserError
from dcanas.basics.files import write_json
from dcanas.training.plain_pickle import read_plain_pickle
from tools.importing import entry, notations, write_csv

METRICS = ("edgegpu_latency", "edgegpu_energy", "raspi4_latency", "edgetpu_latency", "pixel3_latency",
           "eyeriss_latency", "eyeriss_energy", "eyeriss_arithmetic_intensity", "fpga_latency", "fpga_energy")


def main(source: Path, folder: Path) -> None:
    """Write the tables; raises `UserError` naming what the pickle lacks.

    Args:
        source: the pickle
        folder: where the tables go
    """
    content, texts = read_plain_pickle(source.read_bytes(), source), notations()
    for data in ("cifar10", "cifar100"):
        columns = []
        for metric in METRICS:
            keys = ("nasbench201", data, metric)
            columns.append(np.asarray(entry(content, source, keys, "the HW-NAS-Bench pickle"), dtype=float))
            if columns[-1].shape != (len(texts),):
                raise UserError(f"{source}: {'/'.join(keys)} has {columns[-1].size:,} numbers instead of "
                                f"{len(texts):,}.")
        rows = [[i, text, *(repr(float(column[i])) for column in columns)] for i, text in enumerate(texts)]
        write_csv(folder / f"hw_nas_bench_{data}.csv.gz", ["index", "architecture", *METRICS], rows)
    if "fbnet" in content:
        path = folder / "hw_nas_bench_fbnet.json"
        write_json(path, _plain(content["fbnet"]))
        print(path)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [_plain(v) for v in value]
    return value.item() if isinstance(value, np.generic) else value
