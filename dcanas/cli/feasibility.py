"""`dcanas feasibility`: ranges of all costs and the share of the space within the budget.

Writes only the latencies that it has to measure.
"""

from __future__ import annotations

from dcanas.pipeline.context import Context
from dcanas.pipeline.feasibility import show_feasibility


def main(command: str, run: Context) -> None:
    for device in run.devices:
        answer = run.book(device).feasibility
        show_feasibility(run.hooks, device.name, answer)
        answer.require()
