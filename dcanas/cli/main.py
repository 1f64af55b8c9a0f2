"""The `dcanas` command: calls the module of a command, and turns errors into one sentence and an exit code."""

from __future__ import annotations

import errno
import os
import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import NoReturn

from dcanas.basics.errors import Stopped, UserError, unknown
from dcanas.basics.launcher import read_launch
from dcanas.basics.passwords import without_passwords
from dcanas.basics.printable import complain, printable
from dcanas.cli.catalogue import COMMANDS, HELP
from dcanas.cli.help import command_help
from dcanas.cli.interrupt import handled, interrupt

OF_USER = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENAMETOOLONG,
           errno.ELOOP)  # errors users can fix

_said: set[str] = set()  # warnings, each of which is shown once


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    arguments = sys.argv[1:] if argv is None else argv
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(HELP, end="")
        return 0
    if arguments[0] in ("--version", "-V"):
        from dcanas import __version__

        print(f"dcanas {__version__}")
        return 0
    name, *rest = arguments
    # Threads that wait busily for each other slow a step tenfold if another program wants a core.
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")  # read once, when torch is loaded
    warnings.showwarning = _one_line
    with handled(interrupt):
        return _answered(name, rest, arguments)


def _answered(name: str, rest: Sequence[str], arguments: Sequence[str]) -> int:
    """Run a command and return its exit code, errors told in one sentence."""
    try:
        if name not in COMMANDS:
            raise unknown("command", name, COMMANDS)
        if {"-h", "--help"} & set(rest):
            print(command_help(name, rest), end="")
            return 0
        return _do(name, rest) if read_launch().count == 1 else _together(name, rest)
    except UserError as error:
        complain(without_passwords(str(error)))
        return 2
    except OSError as error:
        if error.errno not in OF_USER:
            raise
        place = f": {printable(str(error.filename), 200)}" if error.filename else ""
        complain(f"{error.strerror}{place}; fix this and run the same command again.")
        return 2
    except (Stopped, KeyboardInterrupt) as stopped:
        from shlex import join

        reason = str(stopped).capitalize() or "Stopped"
        again = without_passwords(join(["dcanas", *arguments]))
        complain(f"{reason}; `{again}` goes on from there.")
        return 130


def _do(name: str, arguments: Sequence[str]) -> int:
    """Run a command and return its exit code."""
    module = COMMANDS[name].module
    if name == "profile" and any(text.startswith("onnx=") for text in arguments):
        module = "onnx_file"
    elif name == "export" and any(text.startswith("to=") for text in arguments):
        module = "c_code"
    elif COMMANDS[name].groups is not None:
        from dcanas.cli.jobs import do

        return do(name, module, arguments)
    code: int = import_module(f"dcanas.cli.{module}").main(name, arguments)
    return code


def _together(name: str, arguments: Sequence[str]) -> NoReturn:
    """Run the command as the first of the processes that `torchrun` started, or work for it as one of the others."""
    from dcanas.pipeline import distributed
    from dcanas.pipeline.run import WORKS

    if distributed.ranks().rank:
        distributed.leave(distributed.worker_loop(WORKS))
    code = _do(name, arguments)
    distributed.shutdown()
    distributed.leave(code)


def _one_line(message: Warning | str, category: type[Warning], filename: str, lineno: int, file: object = None,
              line: str | None = None) -> None:
    """Show the warnings of this package as one line; those of libraries are about the libraries."""
    if Path(filename).is_relative_to(Path(__file__).parents[1]) and str(message) not in _said:
        _said.add(str(message))
        complain(str(message))


if __name__ == "__main__":
    sys.exit(main())
