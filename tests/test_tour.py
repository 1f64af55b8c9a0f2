"""The notebook runs from its first cell to its last, and its certificate keeps the limits it states."""

from __future__ import annotations

from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat")
TOUR = Path(__file__).parents[1] / "docs" / "tour.ipynb"


def test_is_committed_without_outputs():
    notebook = nbformat.read(TOUR, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert len(code) == 10
    assert not any(cell.outputs or cell.execution_count for cell in code)


@pytest.mark.slow
def test_runs_and_keeps_its_limits():
    from nbclient import NotebookClient

    notebook = nbformat.read(TOUR, as_version=4)
    NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    printed = ["".join(output.get("text", "") for output in cell.outputs) for cell in code]
    assert printed[0] == "first True\n"
    notation, *lines, last = printed[1].splitlines()
    rows = {line.split()[0]: line for line in lines}
    assert list(rows) == ["params", "macs", "peak_bytes", "weight_bytes", "latency_ms", "latency_p95_ms"]
    for name, limit in (("params", 40_000), ("macs", 1_000_000)):
        predicted, measured = (float(rows[name].split(word)[1].split()[0]) for word in ("predicted", "measured"))
        assert measured == predicted <= limit
    right, total = int(last.split()[0]), int(last.split()[2])
    assert right / total > 0.8  # chance is 0.1
    assert f"({right} of {total})" in printed[3]
    by_file, by_torch, _ = (part.split()[:8] for part in printed[2].split(";"))
    assert by_file == by_torch
    assert f"{notation}  " in next(line for line in printed[4].splitlines() if line.endswith(", chosen"))
    assert printed[5].startswith("raspi4 Row(name='params'")
    assert "True" in printed[7]
    assert printed[9].startswith("The images are floats, which must be in [0, 1], got 0 to 16")
