"""From arguments to a command: flags, multirun, and what ends a run."""

from __future__ import annotations

import importlib
import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from dcanas.basics.errors import UserError, unknown

MULTIRUN = ("-m", "--multirun")
FLAGS = (*MULTIRUN, "--cfg", "-h", "--help")
WITHOUT_SETTINGS = ("listing", "doctor", "onnx_file", "report", "bench")


def enter(module: str, command: str, arguments: list[str]) -> int:
    """Run a command with its arguments and return the exit code."""
    warnings.showwarning = _one_line
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:  # started by torchrun, beside others
        from dcanas.pipeline import crew

        if crew.ranks().rank:
            crew.leave(crew.follow())
        code = _enter(module, command, arguments)
        crew.dismiss()
        crew.leave(code)
    return _enter(module, command, arguments)


def _enter(module: str, command: str, arguments: list[str]) -> int:
    if command == "profile":
        module = _profiled(arguments, module)
    action = importlib.import_module(f"dcanas.cli.{module}")
    if module in WITHOUT_SETTINGS:
        return action.main(arguments)
    flags = [text for text in arguments if text.startswith("-")]
    overrides = [text for text in arguments if not text.startswith("-")]
    for flag in flags:
        if flag not in FLAGS:
            raise unknown("option", flag, FLAGS)
    from dcanas.cli.configure import jobs, shown

    if "--cfg" in flags:
        print(shown(overrides, command), end="")
        return 0
    combinations = jobs(overrides)
    if len(combinations) > 1 and not set(flags) & set(MULTIRUN):
        raise UserError(f"These settings ask for {len(combinations)} runs; add -m to make them all, each in a "
                        "directory of its own, or write a list as key=[A,B].")
    return _all(action, command, combinations, arguments)


def _profiled(arguments: list[str], module: str) -> str:
    """Return the module that profiles a file, or (`module`) the network of a run."""
    return "onnx_file" if any(text.startswith("onnx=") for text in arguments) else module


def _all(action: ModuleType, command: str, combinations: Sequence[list[str]], typed: Sequence[str]) -> int:
    """Do one run after the other; one that cannot be done does not keep the others from it."""
    from dcanas.basics.checkpoints import Stopped
    from dcanas.pipeline.session import typed_command

    worst = 0
    for number, overrides in enumerate(combinations, start=1):
        if len(combinations) > 1:  # a directory of its own for every run
            overrides = [text.replace("run.dir=", "run.root=") if text.startswith("run.dir=") else text
                         for text in overrides]
            print(f"Run {number} of {len(combinations)}: {' '.join(overrides)}", flush=True)
        try:
            worst = max(worst, _one(action, command, overrides))
        except UserError as error:
            if len(combinations) == 1:
                raise
            print(f"dcanas: {error}", file=sys.stderr)
            worst = 2
        except (Stopped, KeyboardInterrupt) as stopped:
            told, again = str(stopped).capitalize() or "Stopped", typed_command(command, typed)
            print(f"dcanas: {told}; `{again}` goes on from there.", file=sys.stderr)
            return 130
    return worst


def _one(action: ModuleType, command: str, overrides: list[str]) -> int:
    from dcanas.cli.configure import configure
    from dcanas.pipeline.session import Session, typed_command

    session = Session(*configure(overrides, command), typed_command(command, overrides))
    try:
        return action.main(session, command)
    finally:
        if "log" in session.__dict__:
            session.log.close()


def _one_line(message: Warning | str, category: type[Warning], filename: str, lineno: int, file: object = None,
              line: str | None = None) -> None:
    """Show our own warnings as one line; what libraries mutter about themselves is theirs."""
    if Path(filename).is_relative_to(Path(__file__).parents[1]):
        print(f"dcanas: {message}", file=sys.stderr)
