"""From arguments to a command: flags, multirun, and what ends a run."""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from dcanas.basics.checkpoints import Stopped
from dcanas.basics.errors import UserError, unknown
from dcanas.commands.session import Session, typed_command

FLAGS = ("-m", "--multirun", "--cfg", "-h", "--help")
WITHOUT_SETTINGS = ("listing", "doctor")


def enter(module: str, command: str, arguments: list[str]) -> int:
    """Run a command with its arguments and return the exit code."""
    warnings.showwarning = _one_line
    action = importlib.import_module(f"dcanas.commands.{module}")
    if module in WITHOUT_SETTINGS:
        return action.main(arguments)
    flags = [a for a in arguments if a.startswith("-")]
    overrides = [a for a in arguments if not a.startswith("-")]
    for flag in flags:
        if flag not in FLAGS:
            raise unknown("option", flag, FLAGS)
    from dcanas.commands.configure import composed, configure, jobs

    if "--cfg" in flags:
        from omegaconf import OmegaConf

        print(OmegaConf.to_yaml(composed(overrides)), end="")
        return 0
    combinations = list(jobs(overrides))
    if len(combinations) > 1 and not {"-m", "--multirun"} & set(flags):
        raise UserError(f"These settings ask for {len(combinations)} runs; add -m to make them all, each in a "
                        "directory of its own, or write a list as key=[A,B].")
    worst = 0
    for number, combination in enumerate(combinations, start=1):
        settings, options = configure(combination)
        if len(combinations) > 1:
            print(f"Run {number} of {len(combinations)}: {' '.join(combination)}", flush=True)
            if options.dir:  # a directory of its own for every job
                options = replace(options, dir=None, root=options.dir)
        session = Session(settings, options, typed_command(command, combination))
        try:
            worst = max(worst, _one(action.main, session, command, combination))
        except UserError as error:
            if len(combinations) == 1:
                raise
            print(f"dcanas: {error}", file=sys.stderr)
            worst = max(worst, 2)
    return worst


def _one(action: Callable[[Session, str], int], session: Session, command: str, overrides: list[str]) -> int:
    again = typed_command(command, overrides)
    try:
        return action(session, command)
    except Stopped as stopped:
        print(f"dcanas: {str(stopped).capitalize()}; `{again}` goes on from there.", file=sys.stderr)
    except KeyboardInterrupt:
        print(f"\ndcanas: Stopped; `{again}` goes on from the last checkpoint.", file=sys.stderr)
    finally:
        if "log" in session.__dict__:
            session.log.close()
    sys.stderr.flush()
    raise SystemExit(130)


def _one_line(message: Warning | str, category: type[Warning], filename: str, lineno: int, file: object = None,
              line: str | None = None) -> None:
    """Show our own warnings as one line; what libraries mutter about themselves is theirs."""
    if Path(filename).is_relative_to(Path(__file__).parents[1]):
        print(f"dcanas: {message}", file=sys.stderr)
