"""A board for tests and the fuzzer: it runs the worker that it is sent, changed by a script."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

BOOT = """
import re, sys
source = sys.stdin.buffer.read(int(sys.stdin.buffer.readline())).decode()
worker, _, last = source.rpartition("\\nserve(")
names = {"__name__": "worker", "TOKEN": re.search(r"'(\\w+)'", last)[1]}
exec(compile(worker, "worker", "exec"), names)
exec(compile(sys.argv[1], "script", "exec"), names)
names["serve"](names["TOKEN"])
"""
CHANGED = """
def changed(name, change):
    do = getattr(Server, "do_" + name)
    def changed(self, request, content):
        answer = do(self, request, content)
        return change(self, answer) or answer
    setattr(Server, "do_" + name, changed)
"""  # for a script: change(server, answer) changes the answer to the request `name`, or returns another


def command(script: str, bare: bool = False) -> list[str]:
    """Return the command of a board.

    Args:
        script: may change anything of `export/worker.py` before requests are answered.
        bare: without numpy and onnxruntime, which take their time to start.
    """
    without = "import sys; sys.modules['numpy'] = sys.modules['onnxruntime'] = None\n" if bare else ""
    return [sys.executable, "-u", "-c", without + BOOT, CHANGED + script]


def install_ssh(folder: Path, script: str) -> None:
    """Write an `ssh` that reaches a scripted board, whatever host it is asked for."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "ssh"
    path.write_text(f"#!/bin/sh\nexec {shlex.join(command(script))}\n", encoding="utf-8")
    path.chmod(0o755)
