"""From a command's arguments to the runs that they ask for: one, or with `-m` one per combination of values."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

from dcanas.basics.errors import UserError, unknown
from dcanas.cli.compose import configure, jobs, shown
from dcanas.cli.terminal import Terminal
from dcanas.cli.words import as_overrides
from dcanas.pipeline import context
from dcanas.pipeline.context import Context

MULTIRUN = ("-m", "--multirun")
FLAGS = (*MULTIRUN, "--cfg", "-h", "--help")  # help is printed before


def runs(command: str, arguments: Sequence[str]) -> Iterator[AbstractContextManager[Context]]:
    """Yield the runs that the arguments ask for, each to be entered; with `--cfg` print the settings and yield none.

    Raises `UserError` for arguments that cannot be used and, after all runs, if some of several were refused.
    """
    flags = [text for text in arguments if text.startswith("-")]
    overrides = as_overrides([text for text in arguments if not text.startswith("-")])
    for flag in flags:
        if flag not in FLAGS:
            raise unknown("option", flag, FLAGS)
    if "--cfg" in flags:
        print(shown(overrides, command), end="")
        return
    combinations = jobs(overrides)
    if len(combinations) == 1:
        yield opened(command, combinations[0])
        return
    if not set(flags) & set(MULTIRUN):
        raise UserError(f"These settings ask for {len(combinations)} runs; add -m to make them all, each in a "
                        "directory of its own, or write a list as key=[A,B].")
    refused: list[str] = []
    for number, typed in enumerate(combinations, start=1):
        own = [text.replace("run.dir=", "run.root=") if text.startswith("run.dir=") else text for text in typed]
        print(f"Run {number} of {len(combinations)}: {' '.join(own)}", flush=True)
        yield _one_of_several(command, own, refused)
    if refused:
        raise UserError(f"{len(refused)} of {len(combinations)} runs could not be done; see above.")


@contextmanager
def opened(command: str, overrides: Sequence[str]) -> Iterator[Context]:
    """Enclose a run: its context, with torch's global state as the run needs it."""
    settings, options = configure(overrides, command)
    with context.opened(settings, options, typed_command(command, overrides), Terminal(options.progress)) as run:
        yield run


@contextmanager
def _one_of_several(command: str, overrides: Sequence[str], refused: list[str]) -> Iterator[Context]:
    """Enclose a run; report it if it cannot be done and go on to the next."""
    try:
        with opened(command, overrides) as run:
            yield run
    except UserError as error:
        print(f"dcanas: {error}", file=sys.stderr)
        refused.append(str(error))


def typed_command(command: str, arguments: Sequence[str]) -> str:
    """Return the command line that repeats this run."""
    return shlex.join(["dcanas", command, *arguments])
