"""`dcanas report source=DIR`: certificates and page of a run; `source=[A,B]`: a page that compares runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dcanas.basics.errors import UserError
from dcanas.basics.files import write_text
from dcanas.basics.printable import complain
from dcanas.basics.typed_path import typed_path

COMPARISON = "comparison.html"


def main(command: str, arguments: Sequence[str]) -> int:
    """Runs are named by `source=`, by `run.dir=`, or by the settings they were made with."""
    values = dict(text.partition("=")[::2] for text in arguments)
    stated = values.get("source", "")
    if stated.startswith("[") and not Path(stated).exists():
        return _compare(stated, {key: value for key, value in values.items() if key != "source"})
    if "source" in values and not stated:
        raise UserError("source= names no run; give its directory, or several as source=[RUN,RUN].")
    if "to" in values:
        raise UserError("to= belongs to a comparison, source=[RUN,RUN]; the report of one run lies in its directory.")
    named = [key for key in values if key not in ("source", "run.progress")]
    folder = typed_path(stated) if stated and not named else _location(arguments)
    return _show(folder)


def _show(folder: Path) -> int:
    from dcanas.cli.terminal import Terminal
    from dcanas.pipeline.certify import show_certificate
    from dcanas.report.certificate import certificate_markdown
    from dcanas.report.record import read_run
    from dcanas.report.verdict import verdict
    from dcanas.report.write import write_report

    record, terminal = read_run(folder), Terminal()
    if record.feasibility is None:
        raise UserError(f"{folder} holds no results yet: feasibility has not run; finish the run with `dcanas run`, or "
                        "name another with source=DIR.")
    for device in record.devices:
        if device["certificate"]:
            write_text(device.folder / "certificate.md", certificate_markdown(device["certificate"]))
            show_certificate(terminal, device.folder, device["certificate"])
    if record.unchecked:
        terminal.message("Not checked: no manifest names these results, which an older version of dcanas made, so they "
                         "were not held against the files that were measured.")
    found = verdict(record)
    if found.mood != "good":
        terminal.message(" ".join(text for text in (f"{found.headline}.", *found.sentences) if text))
    with terminal.stage("Write the report"):
        path = write_report(folder)
    terminal.message(f"Report:      {path}")
    return 0


def _compare(stated: str, others: dict[str, str]) -> int:
    from dcanas.cli.terminal import Terminal
    from dcanas.report.compare import write_comparison

    if unknown := set(others) - {"to"}:
        raise UserError(f"A comparison takes source=[A,B] and to=FILE.html, got {', '.join(sorted(unknown))}.")
    folders = [typed_path(text.strip()) for text in stated.strip("[]").split(",") if text.strip()]
    path = typed_path(others.get("to", COMPARISON))
    for sentence in write_comparison(folders, path):
        complain(sentence)
    Terminal().message(f"Comparison:  {path}")
    return 0


def _location(arguments: Sequence[str]) -> Path:
    """Return the directory of the run with these settings."""
    from dcanas.cli.compose import configure
    from dcanas.pipeline.context import Context

    location = Context(*configure(arguments, "report"), "").location
    if not location.is_dir():
        raise UserError(f"{location} holds no certificate; finish the run with `dcanas run`, or name a finished one "
                        "with source=DIR.")
    return location
