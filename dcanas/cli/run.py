"""`dcanas run`: the whole way."""

from __future__ import annotations

from dcanas.pipeline.ending import told
from dcanas.pipeline.session import Session
from dcanas.pipeline.sources import adopt
from dcanas.pipeline.stages.certifying import run_certificate, show_certificate
from dcanas.pipeline.stages.deriving import derived_folder
from dcanas.pipeline.stages.feasible import check_feasibility
from dcanas.pipeline.stages.profiling import run_profiles


def main(session: Session, command: str) -> int:
    session.display.say(f"Run directory: {session.folder}")
    with told(session):
        adopt(session, "derive")
        check_feasibility(session)
        run_profiles(session)
        for device in session.devices:
            certificate = run_certificate(session, device)
            show_certificate(session.display, derived_folder(session, device), certificate)
    return 0
