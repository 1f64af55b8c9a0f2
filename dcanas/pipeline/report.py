"""Report: how the run went, in `run.json`, and the page that shows it, whichever way it ended."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dcanas.basics.errors import Stopped, UserError
from dcanas.basics.files import write_json
from dcanas.basics.keys import plain
from dcanas.export.worker import look
from dcanas.pipeline.block_latency import record_latency
from dcanas.pipeline.context import Context, versions


@contextmanager
def reported(run: Context) -> Iterator[None]:
    """Enclose the stages of a run: `run.json` says that it goes on, then how it ended, and `report.html` is written."""
    _note(run, "going on")
    try:
        yield
    except (Stopped, KeyboardInterrupt) as stopped:
        _note(run, "stopped", str(stopped) or "stopped")
        _report_what_there_is(run)
        raise
    except UserError as error:
        _note(run, "refused", str(error))
        with suppress(UserError):  # a damaged file is what the run was refused for, and is named once
            report(run)
        raise
    except Exception as error:
        _note(run, "failed", f"{type(error).__name__}: {error}")
        _report_what_there_is(run)
        raise
    for device in run.devices:
        if device.connection == "local":
            record_latency(run, device, run.device_folder(device))
    _note(run, "done")
    run.hooks.message(f"Report:      {report(run)}")


def report(run: Context) -> Path:
    """Write `report.html` from what the run directory holds and return its path."""
    from dcanas.report.write import write_report  # draws, so it is imported only when a report is written

    with run.hooks.stage("Write the report"):
        return write_report(run.folder)


def _note(run: Context, state: str, message: str = "") -> None:
    circumstances = look()
    machine = {key: circumstances[key] for key in ("cpu", "machine", "cores", "system")}
    write_json(run.folder / "run.json", {
        "state": state, "message": message, "command": run.command, "versions": versions(),
        "machine": {**machine, "compute": run.compute.type, **plain(run.settings.run)}})


def _report_what_there_is(run: Context) -> None:
    """Report a run that did not come to its end; what stopped the run matters more than a failure here."""
    try:
        report(run)
    except Exception as error:
        warnings.warn(f"The report could not be written: {error}", stacklevel=2)
