"""`dcanas reproduce source=DIR`: run the same settings again, elsewhere, and tell what came out equal."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

from dcanas.basics.errors import UserError
from dcanas.basics.files import write_json
from dcanas.basics.keys import plain
from dcanas.cli import run
from dcanas.cli.configure import stored_settings
from dcanas.pipeline.session import Session
from dcanas.pipeline.settings import differences
from dcanas.report.record import read_run
from dcanas.report.reproduction import DIFFERENT, WITHIN, compared, reasons


def main(session: Session, command: str) -> int:
    """The repetition lies in `run.dir`, or beside the run under its name with `-again`; nothing is taken over."""
    if session.options.source is None:
        raise UserError("`dcanas reproduce` needs source=DIR, the directory of a finished run.")
    source = Path(session.options.source)
    first = read_run(source)
    coming = first.next_stage()
    if coming is not None:
        raise UserError(f"{source} is not finished ({coming} has not run), so there is nothing to compare with; finish "
                        "it first.")
    changed = differences(plain(session.settings), stored_settings(source))
    if changed:
        raise UserError(f"`dcanas reproduce` repeats a run as it was; drop {', '.join(changed)}.")
    place = session.options.dir or str(source.resolve().with_name(f"{source.resolve().name}-again"))
    if Path(place).resolve() == source.resolve():
        raise UserError(f"run.dir={place} is the run itself; choose another directory for its repetition.")
    again = Session(session.settings, replace(session.options, source=None, dir=place), session.command)
    try:
        run.main(again, command)
    finally:
        if "log" in again.__dict__:
            again.log.close()
    return _tell(again, source)


def _tell(again: Session, source: Path) -> int:
    first, second = read_run(source), read_run(again.folder)
    lines, why = compared(first, second), reasons(first, second)
    again.display.table(f"{source} and its repetition", ["what", "outcome", "before", "now"],
                        [[line.what, line.outcome, line.before, line.after] for line in lines])
    worst = next((kind for kind in (DIFFERENT, WITHIN) if any(line.outcome == kind for line in lines)), "equal")
    computed = [line for line in lines if line.outcome == DIFFERENT]
    again.display.say({
        "equal": "Everything came out equal.",
        WITHIN: "Everything that is computed came out equal to the last bit; what is measured is within tolerance.",
        DIFFERENT: f"Different: {', '.join(line.what for line in computed)}."}[worst])
    if worst != "equal":
        again.display.say(f"What differs in the circumstances: {'; '.join(why)}." if why else
                          "Nothing differs in versions and machine; measurements depend on what else a machine does.")
    write_json(again.folder / "reproduction.json", {"of": str(source), "outcome": worst, "reasons": why,
                                                    "lines": [asdict(line) for line in lines]})
    return 0
