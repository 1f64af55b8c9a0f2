"""Import the official HW-NAS-Bench pickle (Li et al., ICLR 2021): python tools/import_hw_nas_bench.py FILE FOLDER

Writes hw_nas_bench_cifar10.csv.gz and hw_nas_bench_cifar100.csv.gz for NAS-Bench-201, and hw_nas_bench_fbnet.json with
the look-up tables of FBNet's blocks as they are. The pickle is read by a restricted reader: nothing in it runs.
"""

from __future__ import annotations

import csv
import gzip
import io
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from importing import run_importer
from restricted import read_pickle

from dcanas.basics.errors import UserError
from dcanas.basics.files import write_bytes, write_json
from dcanas.spaces import load_space

METRICS = ("edgegpu_latency", "edgegpu_energy", "raspi4_latency", "edgetpu_latency", "pixel3_latency",
           "eyeriss_latency", "eyeriss_energy", "eyeriss_arithmetic_intensity", "fpga_latency", "fpga_energy")
DATA = ("cifar10", "cifar100")


def import_file(source: Path, folder: Path) -> list[Path]:
    """Return the files written; raises `UserError` naming what the pickle lacks."""
    content = read_pickle(source.read_bytes(), str(source))
    space = load_space("nasbench201")
    texts = [space.format(arch) for arch in space.enumerate()]
    written = []
    for data in DATA:
        columns = {metric: np.asarray(_entry(content, source, "nasbench201", data, metric), dtype=float)
                   for metric in METRICS}
        for metric, column in columns.items():
            if column.shape != (len(texts),):
                raise UserError(f"{source}: nasbench201/{data}/{metric} has {column.size:,} numbers instead of "
                                f"{len(texts):,}.")
        rows = [[i, text, *(repr(float(column[i])) for column in columns.values())] for i, text in enumerate(texts)]
        written.append(folder / f"hw_nas_bench_{data}.csv.gz")
        write_csv(written[-1], ["index", "architecture", *METRICS], rows)
    if "fbnet" in content:
        written.append(folder / "hw_nas_bench_fbnet.json")
        write_json(written[-1], _plain(content["fbnet"]))
    return written


def write_csv(path: Path, header: list[str], rows: list[list[Any]]) -> None:
    """Write a gzip-compressed CSV whole; equal rows give equal bytes."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    write_bytes(path, gzip.compress(text.getvalue().encode("utf-8"), mtime=0))


def _entry(content: Any, source: Path, *keys: str) -> Any:
    for depth, key in enumerate(keys):
        if not isinstance(content, Mapping) or key not in content:
            raise UserError(f"{source} lacks {'/'.join(keys[:depth + 1])}: it is not the HW-NAS-Bench pickle.")
        content = content[key]
    return content


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [_plain(v) for v in value]
    return value.item() if isinstance(value, np.generic) else value


if __name__ == "__main__":
    sys.exit(run_importer(__doc__, import_file))
