"""The files that show a run: `report.html`, and TensorBoard events beside its scalars."""

from __future__ import annotations

from pathlib import Path

from dcanas.basics.files import write_text
from dcanas.basics.manifest import note_files, read_manifest, set_aside
from dcanas.report.events import write_events
from dcanas.report.page import page
from dcanas.report.record import read_run


def write_report(folder: Path) -> Path:
    """Write the report of a run directory into it and return its path; see `read_run` for what it refuses."""
    record, path = read_run(folder), folder / "report.html"
    if any(result.damaged(folder) for result in read_manifest(folder) if result.done == path.name):
        set_aside(path)
    write_text(path, page(record))
    if read_manifest(folder):  # a run of an older version stays without one
        note_files(folder, path, "report")
    write_events(record)
    return path
