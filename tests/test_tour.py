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
    right, total = int(printed[6].split()[0]), int(printed[6].split()[2])
    assert right / total > 0.9  # chance is 0.1
    rows = {line.split()[0]: line for line in printed[-1].splitlines()}
    assert list(rows) == ["params", "macs", "latency_ms"]
    for name, limit in (("params", 25_000), ("macs", 1_000_000)):
        predicted, measured = (float(rows[name].split(word)[1].split()[0]) for word in ("predicted", "measured"))
        assert measured == predicted <= limit
