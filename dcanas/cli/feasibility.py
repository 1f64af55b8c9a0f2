"""`dcanas feasibility`: ranges of all costs and the share of the space within the budget. Writes nothing but
the latencies it has to measure."""

from __future__ import annotations

from dcanas.pipeline.session import Session
from dcanas.pipeline.stages.feasible import show


def main(session: Session, command: str) -> int:
    for device in session.devices:
        answer = session.feasibility(device)
        show(session, device.name, answer)
        answer.require()
    return 0
