"""Tables and originals that are not what they should be, through the command line: one sentence, exit code 2."""

from __future__ import annotations

import gzip
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

CSV = "hw_nas_bench_cifar10.csv.gz"
ASKED = ("feasibility", "device=raspi4", "budget.latency_ms=10")


@pytest.fixture(scope="module")
def lines(tables):
    with gzip.open(tables / CSV, "rt") as file:
        return file.read().splitlines()


def with_cell(lines, column, change):
    index = lines[0].split(",").index(column)
    rows = [line.split(",") for line in lines[1:]]
    return [lines[0], *(",".join([*row[:index], change(row[index]), *row[index + 1:]]) for row in rows)]


@pytest.mark.parametrize(("change", "words"), [
    (lambda lines: [*lines[:100], *lines[101:]], "has 15,624 rows instead of 15,625; import the table again."),
    (lambda lines: [lines[0], *lines[:0:-1]], "is in another order: row 0 is"),
    (lambda lines: with_cell(lines, "raspi4_latency", lambda cell: str(float(cell) / 1000)),
     "raspi4_latency should be milliseconds, but its median is 0.0257: it looks like seconds; convert it."),
    (lambda lines: with_cell(lines, "pixel3_latency", lambda cell: "-2"),
     "pixel3_latency holds a value that is neither positive nor -1 (not available); import the table again."),
    (lambda lines: [lines[0].replace("fpga_energy", "fpga_power"), *lines[1:]], "lacks the column fpga_energy"),
], ids=["missing row", "another order", "seconds", "negative", "missing column"])
def test_a_wrong_table(dcanas, tiny, lines, tmp_path, monkeypatch, change, words):
    folder = tmp_path / "tables"
    folder.mkdir()
    with gzip.open(folder / CSV, "wt", compresslevel=1) as file:
        file.write("\n".join(change(lines)) + "\n")
    monkeypatch.setenv("DCANAS_TABLES", str(folder))
    found = dcanas(*ASKED, f"run.dir={tmp_path / 'run'}", *tiny)
    assert (found.code, found.err.count("\n")) == (2, 1)
    assert found.err.startswith(f"dcanas: {folder / CSV}")
    assert words in found.err


class Malicious:
    def __init__(self, mark: Path):
        self.mark = mark

    def __reduce__(self):
        return os.system, (f"touch {self.mark}",)


def test_arrays_that_hold_objects_run_nothing(dcanas, tiny, tables, tmp_path, monkeypatch):
    folder = tmp_path / "tables"
    folder.mkdir()
    shutil.copy(tables / CSV, folder)
    np.savez(folder / "nasbench201_latency_devices.npz",
             raspi4=np.array([Malicious(tmp_path / "ran")] * 15_625, dtype=object))
    monkeypatch.setenv("DCANAS_TABLES", str(folder))
    found = dcanas(*ASKED, f"run.dir={tmp_path / 'run'}", *tiny)
    assert (found.code, found.err.count("\n")) == (2, 1)
    assert "is not an npz file of plain arrays" in found.err
    assert not (tmp_path / "ran").exists()


def test_no_folder_of_tables(dcanas, tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("DCANAS_TABLES", str(tmp_path / "absent"))
    found = dcanas(*ASKED, f"run.dir={tmp_path / 'run'}", *tiny)
    assert (found.code, found.err.count("\n")) == (2, 1)
    assert f"The published tables are not in {tmp_path / 'absent'}; set DCANAS_TABLES" in found.err
