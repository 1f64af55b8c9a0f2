"""`dcanas run`: the whole way."""

from __future__ import annotations

from dcanas.commands.session import Session
from dcanas.commands.sources import adopt
from dcanas.commands.stages.certifying import run_certificate, show_certificate
from dcanas.commands.stages.feasible import check_feasibility


def main(session: Session, command: str) -> int:
    session.display.say(f"Run directory: {session.folder}")
    adopt(session, "derive")
    check_feasibility(session)
    for device in session.devices:
        show_certificate(session, device, run_certificate(session, device))
    return 0
