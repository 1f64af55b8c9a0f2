"""The generated code compiled for this machine: what a board answers, without a board."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dcanas.basics.errors import UserError

PIPE = Path(__file__).with_name("kernels") / "pipe.c"
FLAGS = ("-std=c99", "-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror")


def host_compiler() -> str | None:
    """Return the C compiler of this machine (CC, cc, gcc or clang), None if there is none."""
    return next((found for name in (os.environ.get("CC", ""), "cc", "gcc", "clang")
                 if name and (found := shutil.which(name))), None)


def host_answers(folder: Path | str, images: NDArray[np.uint8], flags: Sequence[str] = ("-O2",)) -> NDArray[np.int8]:
    """Return the logits' bytes that the code in `folder` gives on this machine.

    Args:
        folder: what `write_c99` wrote.
        images: uint8 (N, C, H, W).
        flags: of the compiler, beside those that refuse every warning.

    Returns int8 (N, classes).
    Raises `UserError` if there is no compiler, or it or the program fails.
    """
    compiler = host_compiler()
    if compiler is None:
        raise UserError("Running the generated C needs a C compiler: install gcc or clang, or set CC to one.")
    folder = Path(folder)
    with tempfile.TemporaryDirectory() as place:
        program = Path(place) / "network"
        run_tool([compiler, *FLAGS, *flags, "-I", str(folder), str(PIPE), str(folder / "network.c"),
                  str(folder / "weights.c"), "-o", str(program)])
        pixels = np.ascontiguousarray(images.transpose(0, 2, 3, 1))
        done = run_tool([str(program)], pixels.tobytes())
    return np.frombuffer(done, np.int8).reshape(len(images), -1).copy()


class ToolError(UserError):
    """A command that failed; `said` is all that it printed."""

    def __init__(self, program: str, said: str):
        lines = said.strip().splitlines() or ["no reason given"]
        first = next((line for line in lines if "error" in line.lower()), lines[-1])
        super().__init__(f"{Path(program).name} failed ({first.strip()[:300]}).")
        self.said = said


def run_tool(command: Sequence[str], given: bytes | None = None, **options: Any) -> bytes:
    """Return what a command prints; raises `ToolError` with the beginning of its complaint if it fails, and `UserError`
    if it takes longer than `timeout` seconds."""
    try:
        done = subprocess.run(command, input=given, capture_output=True, check=False, **options)
    except subprocess.TimeoutExpired as error:
        raise UserError(f"{Path(command[0]).name} took more than {error.timeout:g} s and was stopped.") from error
    if done.returncode:
        raise ToolError(command[0], (done.stderr or done.stdout).decode(errors="replace"))
    return done.stdout


def version_of(program: str) -> str:
    """Return the first line that a program says of its version."""
    return run_tool([program, "--version"]).decode(errors="replace").splitlines()[0]
