"""`dcanas run`: the whole way."""

from __future__ import annotations

from dcanas.pipeline.context import Context
from dcanas.pipeline.run import run_all


def main(command: str, run: Context) -> None:
    run_all(run)
