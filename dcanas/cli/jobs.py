"""From a command's arguments to the runs that they ask for: one, or with `-m` one per combination of values."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module

from dcanas.basics.errors import UserError
from dcanas.basics.passwords import without_passwords
from dcanas.basics.printable import complain
from dcanas.cli.completion import script
from dcanas.cli.compose import configure
from dcanas.cli.config_page import info, shown, versions
from dcanas.cli.flags import as_overrides, read_flags
from dcanas.cli.grammar import jobs, searchpath, sweeps
from dcanas.cli.hydra_help import HYDRA_HELP
from dcanas.cli.terminal import Terminal
from dcanas.pipeline.conf_folders import typed_folders, with_folders


def do(command: str, module: str, arguments: Sequence[str]) -> int:
    """Do what a command's arguments ask for: runs, or a page about them; return the exit code.

    Args:
        module: of the command, in `dcanas.cli`.
        arguments: flags (see `flags`), overrides and words that name data.

    Raises:
        UserError: an argument cannot be used, or, after all runs, some of several were refused.
    """
    flags = read_flags(arguments)
    if flags.version or flags.hydra_help or flags.completion:
        print(versions() if flags.version else HYDRA_HELP if flags.hydra_help else script(flags.completion))
        return 0
    folders, words = searchpath(flags.words)
    with with_folders([*flags.config_dirs, *folders]):
        overrides = as_overrides(words)
        if flags.info:
            print(info(overrides, command, flags.info), end="")
            return 0
        if not flags.multirun and sweeps(overrides):
            raise UserError("These settings hold several values of a sweep; add -m to make a run of each, in a "
                            "directory of its own, or write a list as key=[A,B], a text as \"key='A,B'\".")
        combinations = jobs(overrides) if flags.multirun else [list(overrides)]
        if not flags.cfg:
            kept = [text for folder in typed_folders() for text in ("--config-dir", str(folder))]
            return _do_all(command, module, combinations, kept, flags.level)
        for number, typed in enumerate(combinations, start=1):
            if len(combinations) > 1:
                print(f"{'---' + chr(10) if number > 1 else ''}# Run {number} of {len(combinations)}: "
                      f"{without_passwords(' '.join(typed))}")
            print(shown(typed, command, flags), end="")
        return 0


def _do_all(command: str, module: str, combinations: Sequence[list[str]], kept: Sequence[str], level: str) -> int:
    """Do one run, or several in a row; kept: flags that belong to the command that repeats one."""
    if len(combinations) == 1:
        _do_one(command, module, combinations[0], kept, level)
        return 0
    refused = 0
    for number, typed in enumerate(combinations, start=1):
        own = [text.replace("run.dir=", "run.root=") if text.startswith("run.dir=") else text for text in typed]
        print(without_passwords(f"Run {number} of {len(combinations)}: {' '.join(own)}"), flush=True)
        try:
            swept = [text for text in typed if any(text not in other for other in combinations)]
            _do_one(command, module, own, kept, level, swept)
        except UserError as error:
            complain(str(error))
            refused += 1
    if refused:
        raise UserError(f"{refused} of {len(combinations)} runs could not be done; see above.")
    return 0


def _do_one(command: str, module: str, overrides: Sequence[str], kept: Sequence[str], level: str,
            swept: Sequence[str] = ()) -> None:
    """Do one run; swept: those of the overrides that differ from run to run, which name its study in a shared storage.
    """
    settings, options = configure(overrides, command)
    if options.run.storage and swept and not any(text.startswith("name=") for text in overrides):
        options = replace(options, name="-".join([options.name, *(re.sub(r"[^\w.]+", "-", text) for text in swept)]))
    terminal = Terminal(options.run.progress, level)
    if command == "run":
        terminal.message(f"{settings.data.name}: {settings.search.name} search in {settings.space.name} for "
                         f"{', '.join(settings.device)}")
    from dcanas.pipeline.opened import opened  # not before: it takes torch, which refusing settings does not

    typed = without_passwords(shlex.join(["dcanas", command, *kept, *overrides]))
    with opened(settings, options, typed, terminal) as run:
        import_module(f"dcanas.cli.{module}").main(command, run)
