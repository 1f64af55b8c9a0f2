"""`dcanas reproduce source=DIR`: repeats a finished run elsewhere and reports which results are equal."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

from dcanas.basics.errors import UserError
from dcanas.basics.files import write_json
from dcanas.basics.keys import plain
from dcanas.pipeline.context import Context
from dcanas.pipeline.opened import opened
from dcanas.pipeline.reuse import adopt_images
from dcanas.pipeline.run import run_all
from dcanas.pipeline.settings import Options, Settings, differences, stored_settings
from dcanas.report.record import read_run
from dcanas.report.reproduction import DIFFERENT, WITHIN, compared, reasons


def main(command: str, run: Context) -> None:
    settings, options = _again(run)
    with opened(settings, options, run.command, run.hooks) as again:
        run_all(again)
        _show(again, Path(str(run.options.source)))


def _again(run: Context) -> tuple[Settings, Options]:
    """Return settings and options of the repetition, which takes nothing over.

    Its directory is `run.dir`, or lies beside the run's under its name with `-again`.
    """
    if run.options.source is None:
        raise UserError("`dcanas reproduce` needs source=DIR, the directory of a finished run.")
    source = Path(run.options.source)
    coming = read_run(source).next_stage()
    if coming is not None:
        raise UserError(f"{source} is not finished ({coming} has not run), so there is nothing to compare with; finish "
                        "it first.")
    changed = differences(plain(run.settings), stored_settings(source))
    if changed:
        raise UserError(f"`dcanas reproduce` repeats a run as it was ({'; '.join(changed.values())}); leave out what "
                        "differs, and start as many processes as the run had.")
    place = run.options.run.dir or str(source.resolve().with_name(f"{source.resolve().name}-again"))
    if Path(place).resolve() == source.resolve():
        raise UserError(f"run.dir={place} is the run itself; choose another directory for its repetition.")
    adopt_images(source, Path(place))
    return run.settings, replace(run.options, source=None, run=replace(run.options.run, dir=place), notes=())


def _show(again: Context, source: Path) -> None:
    first, second = read_run(source), read_run(again.folder)
    lines, why = compared(first, second), reasons(first, second)
    again.hooks.table(f"{source} and its repetition", ["what", "outcome", "before", "now"],
                        [[line.what, line.outcome, line.before, line.after] for line in lines])
    worst = next((kind for kind in (DIFFERENT, WITHIN) if any(line.outcome == kind for line in lines)), "equal")
    computed = [line for line in lines if line.outcome == DIFFERENT]
    again.hooks.message({
        "equal": "Everything came out equal.",
        WITHIN: "Everything that is computed came out equal to the last bit; what is measured is within tolerance.",
        DIFFERENT: f"Different: {', '.join(line.what for line in computed)}."}[worst])
    if worst != "equal":
        again.hooks.message(f"What differs in the circumstances: {'; '.join(why)}." if why else
                          "Nothing differs in versions and machine; measurements depend on what else a machine does.")
    write_json(again.folder / "reproduction.json", {"of": str(source), "outcome": worst, "reasons": why,
                                                    "lines": [asdict(line) for line in lines]})
