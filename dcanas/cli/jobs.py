"""From a command's arguments to the runs that they ask for: one, or with `-m` one per combination of values."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module

from dcanas.basics.errors import UserError, unknown
from dcanas.basics.passwords import without_passwords
from dcanas.basics.printable import complain
from dcanas.cli.compose import configure, jobs, shown
from dcanas.cli.terminal import Terminal
from dcanas.pipeline.data_word import data_word

MULTIRUN = ("-m", "--multirun")
FLAGS = (*MULTIRUN, "--cfg", "-h", "--help")  # help is printed before


def do(command: str, module: str, arguments: Sequence[str]) -> int:
    """Do the runs that a command's arguments ask for, or print their settings (`--cfg`), and return the exit code.

    Args:
        module: of the command, in `dcanas.cli`.
        arguments: flags, overrides and words that name data.

    Raises:
        UserError: an argument cannot be used, or, after all runs, some of several were refused.
    """
    flags: list[str] = []
    overrides: list[str] = []
    for text in arguments:
        if text.startswith("-"):
            flags.append(text)
        else:
            overrides += [text] if "=" in text else [f"{key}={value}" for key, value in data_word(text).items()]
    for flag in flags:
        if flag not in FLAGS:
            raise unknown("option", flag, FLAGS)
    combinations = jobs(overrides)
    if "--cfg" in flags:
        if len(combinations) > 1:
            raise UserError(f"These settings ask for {len(combinations)} runs, and --cfg shows those of one; choose "
                            "one value of each, or write a list as key=[A,B].")
        print(shown(overrides, command), end="")
        return 0
    if len(combinations) == 1:
        _do_one(command, module, combinations[0])
        return 0
    if not set(flags) & set(MULTIRUN):
        raise UserError(f"These settings ask for {len(combinations)} runs; add -m to make them all, each in a "
                        "directory of its own, or write a list as key=[A,B].")
    refused = 0
    for number, typed in enumerate(combinations, start=1):
        own = [text.replace("run.dir=", "run.root=") if text.startswith("run.dir=") else text for text in typed]
        print(without_passwords(f"Run {number} of {len(combinations)}: {' '.join(own)}"), flush=True)
        try:
            _do_one(command, module, own, [text for text in own if len({tuple(c) for c in combinations if text in c})
                                           < len(combinations)])
        except UserError as error:
            complain(str(error))
            refused += 1
    if refused:
        raise UserError(f"{refused} of {len(combinations)} runs could not be done; see above.")
    return 0


def _do_one(command: str, module: str, overrides: Sequence[str], swept: Sequence[str] = ()) -> None:
    """Do one run; swept: those of the overrides that differ from run to run, which name its study in a shared storage.
    """
    settings, options = configure(overrides, command)
    if options.run.storage and swept and not any(text.startswith("name=") for text in overrides):
        options = replace(options, name="-".join([options.name, *(text.replace("=", "-") for text in swept)]))
    from dcanas.pipeline import context  # not before: it takes torch, which refusing settings does not

    typed = without_passwords(shlex.join(["dcanas", command, *overrides]))
    with context.opened(settings, options, typed, Terminal(options.run.progress)) as run:
        import_module(f"dcanas.cli.{module}").main(command, run)
