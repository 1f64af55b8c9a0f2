"""How a run went and with what, in `run.json`, and the page that shows it, whichever way it ended."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from dcanas.basics.checkpoints import Stopped
from dcanas.basics.errors import UserError
from dcanas.basics.files import write_json
from dcanas.export.worker import look
from dcanas.pipeline.session import Session, versions


@contextmanager
def told(session: Session) -> Iterator[None]:
    """While a run goes on `run.json` says so; how it ended stays there, and `report.html` is written either way."""
    _note(session, "going on")
    try:
        yield
    except (Stopped, KeyboardInterrupt) as stopped:
        _note(session, "stopped", str(stopped) or "stopped")
        _show_what_there_is(session)
        raise
    except UserError as error:
        _note(session, "refused", str(error))
        with suppress(UserError):  # a damaged file is what the run was refused for, and is said once
            _show(session)
        raise
    except Exception as error:
        _note(session, "failed", f"{type(error).__name__}: {error}")
        _show_what_there_is(session)
        raise
    _note(session, "done")
    session.display.say(f"Report:      {_show(session)}")


def _note(session: Session, state: str, message: str = "") -> None:
    write_json(session.folder / "run.json", {
        "state": state, "message": message, "command": session.command, "versions": versions(),
        "machine": {**_lasting(look()), "compute": session.compute.type, "threads": session.options.threads}})


def _lasting(circumstances: dict[str, Any]) -> dict[str, Any]:
    return {key: circumstances[key] for key in ("cpu", "machine", "cores", "system")}


def _show(session: Session) -> Any:
    from dcanas.report.write import write_report  # draws: only where a report is written

    with session.display.stage("Write the report"):
        return write_report(session.folder)


def _show_what_there_is(session: Session) -> None:
    """Write the report of a run that did not come to its end; what stopped the run matters more than a failure here."""
    try:
        _show(session)
    except Exception as error:
        warnings.warn(f"The report could not be written: {error}", stacklevel=2)
