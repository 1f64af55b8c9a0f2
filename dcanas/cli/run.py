"""`dcanas run`: the whole way."""

from __future__ import annotations

from collections.abc import Sequence

from dcanas.cli.jobs import runs
from dcanas.pipeline.run import run_all


def main(command: str, arguments: Sequence[str]) -> int:
    for opened in runs(command, arguments):
        with opened as run:
            run_all(run)
    return 0
