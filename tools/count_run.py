"""Counts the files and functions of dcanas that a default run touches, with `sys.setprofile`.

    python -m tools count_run
    cd OLD && PYTHONPATH=OLD:NEW python -m tools count_run      # another checkout, counted by this one's tool

The run is `dcanas run` on the digits with short training (`RUN`), in this process and in a fresh directory; the user's
own folder is a fresh one too.

A function is a code object with a name of its own that was called, at import or later: no module, class body, lambda,
comprehension, or code that `dataclass` generates. A file is touched if one of its functions is. What only the report
needs: the functions of `dcanas/report` and of the stage that writes it, and those that were never called without one of
these on the stack. The rooms `cli` and `pipeline` include what they were before they had these names: `commands`,
`cli.py`, `completion.py`.

The longest chain from the command line to a stage: calls from the last function of `cli` on the stack (before there was
a pipeline: from the command's module) to the entry of a stage, the longest of all entries. Stages are those that
`dcanas/pipeline/run.py` lists, each named like its file (before: functions `run_...` and `check_feasibility` of
`stages/`).
"""

from __future__ import annotations

import importlib.util
import inspect
import os
import runpy
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from dcanas.basics.errors import UserError
from tools.markdown import print_table

RUN = ("run.threads=1", "search.epochs=2", "search.finalist_epochs=1", "search.finalists=2", "train.epochs=2")
TOP = {"cli", "pipeline", "commands", "completion"}


class Calls:
    """A profiler that remembers each function of a package.

    Attributes:
        outside: function -> whether it was called with no function of the report on the stack.
        chain: the longest chain of calls from the command line to a stage.
    """

    def __init__(self, package: Path):
        self.package = f"{package}{os.sep}"
        self.outside: dict[CodeType, bool] = {}
        self.chain: list[CodeType] = []

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:
        code = frame.f_code
        if event != "call" or not self._counts(code) or (self.outside.get(code) and not self._is_stage(code)):
            return
        stack = list(self._stack(frame))
        self.outside[code] = self.outside.get(code, False) or not any(self.of_report(each) for each in stack)
        command = [i for i, each in enumerate(stack)
                   if self.place(each).startswith(("cli/", "cli.py", "commands/run.py"))]
        if self._is_stage(code) and command and command[0] >= len(self.chain):
            self.chain = stack[command[0]::-1]

    def place(self, code: CodeType) -> str:
        """Return the file of a function below the package, with slashes."""
        return code.co_filename.removeprefix(self.package).replace(os.sep, "/")

    def room(self, code: CodeType) -> str:
        """Return the first folder below the package, or the name of a file that lies in none."""
        return self.place(code).partition("/")[0].removesuffix(".py")

    def _counts(self, code: CodeType) -> bool:
        return (code.co_filename.startswith(self.package) and bool(code.co_flags & inspect.CO_OPTIMIZED)
                and not code.co_name.startswith("<"))

    def _stack(self, frame: FrameType | None) -> Iterator[CodeType]:
        while frame is not None:
            if self._counts(frame.f_code):
                yield frame.f_code
            frame = frame.f_back

    def of_report(self, code: CodeType) -> bool:
        """Return whether a function belongs to the report or to the stage that writes it."""
        return self.room(code) == "report" or self.place(code) == "pipeline/report.py"

    def _is_stage(self, code: CodeType) -> bool:
        place, name = self.place(code), code.co_name
        if place.startswith("commands/stages/"):
            return name.startswith("run_") or name == "check_feasibility"
        stages = getattr(sys.modules.get("dcanas.pipeline.run"), "STAGES", ()) if place == f"pipeline/{name}.py" else ()
        return any(stage.__code__ is code for stage in stages)


def counted(run: tuple[str, ...] = RUN) -> Calls:
    """Return the calls of a `dcanas run` in a temporary directory; raises `UserError` if it fails."""
    spec, code = importlib.util.find_spec("dcanas"), None
    calls = Calls(Path(spec.origin).parent)  # type: ignore[union-attr, arg-type]
    for name in [name for name in sys.modules if name.partition(".")[0] == "dcanas"]:
        del sys.modules[name]  # what runs at import counts, whether this tool has imported it or not
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_DATA_HOME"] = os.environ["XDG_CACHE_HOME"] = os.environ["HOME"] = folder
        sys.argv = ["dcanas", "run", *run, f"run.dir={folder}/run"]
        threading.setprofile(calls)
        sys.setprofile(calls)
        try:
            runpy.run_module("dcanas", run_name="__main__", alter_sys=True)
        except SystemExit as end:
            code = end.code
        finally:
            sys.setprofile(None)
            threading.setprofile(None)
    if code:
        raise UserError(f"The counted run ended with exit code {code}.")
    return calls


def main(*, functions: bool = False) -> None:
    """Print the counts.

    Args:
        functions: also list each function by file, those that only the report needs with a star.
    """
    calls = counted()
    without = {code for code, outside in calls.outside.items() if outside}
    names = {calls.room(code) for code in calls.outside}
    rooms = {**{room: {room} for room in sorted(names)}, "**cli + pipeline**": TOP, "**all**": names}
    print_table(["room", "files", "functions", "files without the report", "functions without the report"], [
        [name, *(count for codes in (calls.outside, without) for some in [{c for c in codes if calls.room(c) in inside}]
                 for count in (len({code.co_filename for code in some}), len(some)))]
        for name, inside in rooms.items()])
    print(f"\nThe longest chain from the command line to a stage: {len(calls.chain) - 1} calls: "
          + " > ".join(f"{calls.place(code)}:{code.co_name}" for code in calls.chain))
    if functions:
        for code in sorted(calls.outside, key=lambda code: (calls.place(code), code.co_firstlineno)):
            print(f"{calls.place(code)}:{code.co_firstlineno} {code.co_qualname}{'' if code in without else ' *'}")
