"""Counts the files and functions of dcanas that a default run touches, with `sys.setprofile`.

    python -m tools count_run
    cd OLD && PYTHONPATH=OLD:NEW python -m tools count_run      # another checkout, counted by this one's tool

The run is `dcanas run` on the digits with short training (`RUN`), in this process and in a fresh directory; the user's
own folder is a fresh one too.

A function is a code object with a name of its own that was called, at import or later: no module, class body, lambda,
comprehension, or code that `dataclass` generates. A file is touched if one of its functions is. What only the report
needs: the functions of `dcanas/report`, and those that were never called without one of these on the stack. The rooms
`cli` and `pipeline` include what they were before they had these names: `commands`, `cli.py`, `completion.py`.

The longest chain from the command line to a stage: calls from the last function of `cli` on the stack (before there was
a pipeline: from the command's module) to the entry of a stage, the longest of all entries. Stages are the functions in
`STAGES` of `dcanas/pipeline/run.py`; before there was one, the functions `run_...` and `check_feasibility` of
`stages/`.
"""

from __future__ import annotations

import importlib.util
import inspect
import os
import runpy
import sys
import tempfile
import threading
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from dcanas.basics.errors import UserError

RUN = ("run.threads=1", "search.epochs=2", "search.finalist_epochs=1", "search.finalists=2", "train.epochs=2")
TOP = {"cli", "pipeline", "commands", "completion"}


class Calls:
    """A profiler that remembers each function of the package and whether it was ever called outside the report.

    Attributes:
        outside: function -> whether it was called with no function of the report on the stack.
        chains: stage -> the longest chain of calls from the command line to it, as names.
    """

    def __init__(self, package: Path):
        self.package = str(package) + os.sep
        self.outside: dict[CodeType, bool] = {}
        self.chains: dict[str, list[str]] = {}

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:
        if event != "call" or not self._counts(frame.f_code):
            return
        if not self.outside.get(frame.f_code):
            self.outside[frame.f_code] = not self._in_report(frame)
        if self._is_stage(frame.f_code):
            chain = self._chain(frame)
            if len(chain) > len(self.chains.get(chain[-1], ())):
                self.chains[chain[-1]] = chain

    def place(self, code: CodeType) -> str:
        """Return the file of a function below the package, with slashes."""
        return code.co_filename.removeprefix(self.package).replace(os.sep, "/")

    def room(self, code: CodeType) -> str:
        """Return the first folder below the package, or the name of a file that lies in none."""
        return self.place(code).partition("/")[0].removesuffix(".py")

    def _counts(self, code: CodeType) -> bool:
        return (code.co_filename.startswith(self.package) and bool(code.co_flags & inspect.CO_OPTIMIZED)
                and not code.co_name.startswith("<"))

    def _in_report(self, frame: FrameType | None) -> bool:
        while frame is not None:
            if frame.f_code.co_filename.startswith(self.package) and self.room(frame.f_code) == "report":
                return True
            frame = frame.f_back
        return False

    def _is_stage(self, code: CodeType) -> bool:
        place, name = self.place(code), code.co_name
        if place.startswith("commands/stages/"):
            return name.startswith("run_") or name == "check_feasibility"
        if not place.startswith("pipeline/"):
            return False
        stages = getattr(sys.modules.get("dcanas.pipeline.run"), "STAGES", ())
        return any(inspect.unwrap(stage).__code__ is code for stage in stages)

    def _chain(self, frame: FrameType | None) -> list[str]:
        """Return the functions from the last of the command line to the one that `frame` runs."""
        chain: list[str] = []
        while frame is not None:
            if self._counts(frame.f_code):
                chain.append(f"{self.place(frame.f_code)}:{frame.f_code.co_name}")
                if self.room(frame.f_code) == "cli" or self.place(frame.f_code) == "commands/run.py":
                    break
            frame = frame.f_back
        return chain[::-1]


def counted(run: tuple[str, ...] = RUN) -> Calls:
    """Run `dcanas run` in a temporary directory and return its calls."""
    spec = importlib.util.find_spec("dcanas")
    assert spec is not None
    assert spec.origin is not None
    calls = Calls(Path(spec.origin).parent)
    for name in [name for name in sys.modules if name.partition(".")[0] == "dcanas"]:
        del sys.modules[name]  # what runs at import counts, whether this tool has imported it or not
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_DATA_HOME"] = os.environ["XDG_CACHE_HOME"] = os.environ["HOME"] = folder
        code: str | int | None = None
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
    without = {code for code, outside in calls.outside.items() if outside and calls.room(code) != "report"}
    print("\n| room | files | functions | files without the report | functions without the report |\n"
          "|---|---:|---:|---:|---:|")
    rooms = {room: [code for code in calls.outside if calls.room(code) == room]
             for room in sorted({calls.room(code) for code in calls.outside})}
    rooms |= {"**cli + pipeline**": [code for code in calls.outside if calls.room(code) in TOP],
              "**all**": list(calls.outside)}
    for room, codes in rooms.items():
        cells = [f"{len({code.co_filename for code in some})} | {len(some)}"
                 for some in (codes, [code for code in codes if code in without])]
        print(f"| {room} | {' | '.join(cells)} |")
    longest = max(calls.chains.values(), key=len, default=[])
    print(f"\nThe longest chain from the command line to a stage: {len(longest) - 1} calls: {' > '.join(longest)}")
    if functions:
        for code in sorted(calls.outside, key=lambda code: (calls.place(code), code.co_firstlineno)):
            print(f"{calls.place(code)}:{code.co_firstlineno} {code.co_qualname}{'' if code in without else ' *'}")
