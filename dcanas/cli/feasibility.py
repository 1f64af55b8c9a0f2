"""`dcanas feasibility`: ranges of all costs and the share of the space within the budget.

Writes only the latencies that it is asked to measure (`measure=true`).
"""

from __future__ import annotations

from dcanas.pipeline.context import Context
from dcanas.pipeline.feasibility import answer_feasibility, measure_boards


def main(command: str, run: Context) -> None:
    measure = run.options.own.measure
    if measure:
        measure_boards(run)
    for device in run.devices:
        answer_feasibility(run, device, measure)
