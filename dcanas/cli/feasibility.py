"""`dcanas feasibility`: ranges of all costs and the share of the space within the budget.

Writes nothing but the latencies that it has to measure.
"""

from __future__ import annotations

from collections.abc import Sequence

from dcanas.cli.jobs import runs
from dcanas.pipeline.feasibility import show_feasibility


def main(command: str, arguments: Sequence[str]) -> int:
    for opened in runs(command, arguments):
        with opened as run:
            for device in run.devices:
                answer = run.book(device).feasibility
                show_feasibility(run.hooks, device.name, answer)
                answer.require()
    return 0
