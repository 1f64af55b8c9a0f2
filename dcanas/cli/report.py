"""`dcanas report source=DIR`: certificate and page of a run; `source=[A,B]` or `source='runs/*'`: a page that compares
runs, or with `to=FILE.csv` a table of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dcanas.basics.errors import UserError
from dcanas.basics.printable import complain
from dcanas.basics.typed_path import typed_path

COMPARISON, TABLE = "comparison.html", ".csv"


def main(command: str, arguments: Sequence[str]) -> int:
    """Runs are named by `source=`, by `run.dir=`, or by the settings they were made with."""
    values = dict(text.partition("=")[::2] for text in arguments)
    stated = values.get("source", "")
    several = stated.startswith("[") or any(letter in stated for letter in "*?")
    if stated and not typed_path(stated).exists() and (several or values.get("to", "").endswith(TABLE)):
        return _compare(stated, {key: value for key, value in values.items() if key != "source"})
    if values.get("to", "").endswith(TABLE):
        return _table([typed_path(stated)], typed_path(values["to"]))
    if "source" in values and not stated:
        raise UserError("source= names no run; give its directory, or several as source=[RUN,RUN].")
    if "to" in values:
        raise UserError("to= belongs to a comparison, source=[RUN,RUN]; the report of one run lies in its directory.")
    named = [key for key in values if key not in ("source", "run.progress")]
    folder = typed_path(stated) if stated and not named else _location(arguments)
    return _show(folder)


def _show(folder: Path) -> int:
    from dcanas.cli.terminal import Terminal
    from dcanas.report.answers import ship_lines
    from dcanas.report.delivery import delivery
    from dcanas.report.record import read_run
    from dcanas.report.shown import show_certificate
    from dcanas.report.verdict import verdict
    from dcanas.report.write import write_report

    record, terminal = read_run(folder), Terminal()
    if record.feasibility is None:
        raise UserError(f"{folder} holds no results yet: feasibility has not run; finish the run with `dcanas run`, or "
                        "name another with source=DIR.")
    for device in record.devices:
        if shipped := delivery(record, device):
            show_certificate(terminal, shipped.certificate)
    if record.unchecked:
        terminal.message("Not checked: no manifest names these results, which an older version of dcanas made, so they "
                         "were not held against the files that were measured.")
    found = verdict(record)
    if found.mood != "good":
        terminal.message(" ".join(text for text in (f"{found.headline}.", *found.sentences) if text))
    with terminal.stage("Write the report"):
        path = write_report(folder)
    terminal.message("\n".join([*ship_lines(record), f"Page: {path}"]))
    return 0


def _compare(stated: str, others: dict[str, str]) -> int:
    from dcanas.cli.terminal import Terminal
    from dcanas.report.compare import write_comparison

    if unknown := set(others) - {"to"}:
        raise UserError("A comparison takes source=[A,B] or source='runs/*', and to=FILE.html or to=FILE.csv, got "
                        f"{', '.join(sorted(unknown))}.")
    folders, path = _folders(stated), typed_path(others.get("to", COMPARISON))
    if path.suffix == TABLE:
        return _table(folders, path)
    for sentence in write_comparison(folders, path):
        complain(sentence)
    Terminal().message(f"Comparison:  {path}")
    return 0


def _table(folders: Sequence[Path], path: Path) -> int:
    from dcanas.cli.terminal import Terminal
    from dcanas.report.record import read_run
    from dcanas.report.table import write_table

    count = write_table([read_run(folder) for folder in folders], path)
    Terminal().message(f"Table:       {path}, {count} rows")
    return 0


def _folders(stated: str) -> list[Path]:
    """Return the run directories that `[A,B]` names or a pattern such as `runs/*` finds; of a pattern only those that
    are runs.
    """
    if stated.startswith("["):
        return [typed_path(text.strip()) for text in stated.strip("[]").split(",") if text.strip()]
    pattern = typed_path(stated)
    paths = Path(pattern.anchor).glob(str(pattern.relative_to(pattern.anchor)))
    found = sorted(path for path in paths if (path / "settings.yaml").is_file())
    if not found:
        raise UserError(f"source={stated} finds no run directory; put the pattern in quotes, as in source='runs/*'.")
    return found


def _location(arguments: Sequence[str]) -> Path:
    """Return the directory of the run with these settings."""
    from dcanas.cli.compose import configure
    from dcanas.pipeline.context import Context

    location = Context(*configure(arguments, "report"), "").location
    if not location.is_dir():
        raise UserError(f"{location} holds no certificate; finish the run with `dcanas run`, or name a finished one "
                        "with source=DIR.")
    return location
