"""From a command's arguments to the runs that they ask for: one, or with `-m` one per combination of values."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING

from dcanas.basics.errors import UserError, unknown
from dcanas.cli.compose import configure, jobs, shown
from dcanas.cli.terminal import Terminal
from dcanas.cli.words import as_overrides

if TYPE_CHECKING:
    from dcanas.pipeline.context import Context

MULTIRUN = ("-m", "--multirun")
FLAGS = (*MULTIRUN, "--cfg", "-h", "--help")  # help is printed before


def do(command: str, module: str, arguments: Sequence[str]) -> int:
    """Do the runs that a command's arguments ask for, or print their settings (`--cfg`), and return the exit code.

    The module of the command is imported when the settings are known to be usable: refusing them takes no torch.

    Raises `UserError` for arguments that cannot be used and, after all runs, if some of several were refused.
    """
    flags = [text for text in arguments if text.startswith("-")]
    overrides = [text for text in arguments if not text.startswith("-")]
    if not all("=" in text for text in overrides):
        overrides = as_overrides(overrides)
    for flag in flags:
        if flag not in FLAGS:
            raise unknown("option", flag, FLAGS)
    if "--cfg" in flags:
        print(shown(overrides, command), end="")
        return 0
    combinations = jobs(overrides)
    if len(combinations) == 1:
        _do_one(command, module, combinations[0])
        return 0
    if not set(flags) & set(MULTIRUN):
        raise UserError(f"These settings ask for {len(combinations)} runs; add -m to make them all, each in a "
                        "directory of its own, or write a list as key=[A,B].")
    refused = 0
    for number, typed in enumerate(combinations, start=1):
        own = [text.replace("run.dir=", "run.root=") if text.startswith("run.dir=") else text for text in typed]
        print(f"Run {number} of {len(combinations)}: {' '.join(own)}", flush=True)
        try:
            _do_one(command, module, own)
        except UserError as error:
            print(f"dcanas: {error}", file=sys.stderr)
            refused += 1
    if refused:
        raise UserError(f"{refused} of {len(combinations)} runs could not be done; see above.")
    return 0


def _do_one(command: str, module: str, overrides: Sequence[str]) -> None:
    with opened(command, overrides) as run:
        import_module(f"dcanas.cli.{module}").main(command, run)


@contextmanager
def opened(command: str, overrides: Sequence[str]) -> Iterator[Context]:
    """Enclose a run: its context, with torch's global state as the run needs it."""
    settings, options = configure(overrides, command)
    from dcanas.pipeline import context  # not before: it takes torch

    with context.opened(settings, options, typed_command(command, overrides), Terminal(options.run.progress)) as run:
        yield run


def typed_command(command: str, arguments: Sequence[str]) -> str:
    """Return the command line that repeats this run."""
    return shlex.join(["dcanas", command, *arguments])
