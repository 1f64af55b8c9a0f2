"""Report: how the run ended, in `run.json`, and the page that shows it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dcanas.basics.errors import Stopped, UserError
from dcanas.basics.keys import plain
from dcanas.basics.manifest import write_result
from dcanas.basics.passwords import without_passwords
from dcanas.export.worker import look
from dcanas.pipeline.block_latency import record_latency
from dcanas.pipeline.context import Context
from dcanas.pipeline.duration import comparison_seconds
from dcanas.pipeline.versions import versions


@contextmanager
def reported(run: Context) -> Iterator[None]:
    """Enclose the stages of a run: `run.json` records its state, and `report.html` is written however it ends."""
    _note(run, "going on")
    try:
        yield
    except (Exception, KeyboardInterrupt) as error:
        stopped, refused = isinstance(error, (Stopped, KeyboardInterrupt)), isinstance(error, UserError)
        state = "stopped" if stopped else "refused" if refused else "failed"
        _note(run, state, str(error) or state if stopped or refused else f"{type(error).__name__}: {error}")
        try:
            report(run)
        except Exception as further:  # what ended the run matters more; a damaged file is what it was refused for
            if not (refused and isinstance(further, UserError)):
                warnings.warn(f"The report could not be written: {further}", stacklevel=2)
        raise
    for device in run.devices:
        if device.connection == "local":
            record_latency(run, device, run.device_folder(device))
    _note(run, "done", price=comparison_seconds(run))
    report(run)


def report(run: Context) -> Path:
    """Write `report.html` from the files of the run directory and return its path."""
    from dcanas.report.write import write_report  # draws, so it is imported only when a report is written

    with run.hooks.stage("Write the report"):
        return write_report(run.folder)


def _note(run: Context, state: str, message: str = "", price: float | None = None) -> None:
    circumstances = look()  # type: ignore[no-untyped-call]
    machine = {key: circumstances[key] for key in ("cpu", "machine", "cores", "system")}
    write_result(run.folder, run.folder / "run.json", {
        "state": state, "message": without_passwords(message), "command": run.command, "versions": versions(),
        "machine": {**machine, "compute": run.compute.type, **plain(run.settings.run)},
        **({} if price is None else {"comparison_s": price})}, "run")
