"""`dcanas report source=DIR`: print the certificates of a run and write them again as Markdown."""

from __future__ import annotations

from dcanas.basics.errors import UserError
from dcanas.basics.files import read_json, write_text
from dcanas.commands.session import Session
from dcanas.commands.stages.certifying import show_certificate
from dcanas.report.certificate import certificate_markdown


def main(session: Session, command: str) -> int:
    found = sorted(session.location.glob("derived/*/certificate.json"))
    if not found:
        raise UserError(f"{session.location} holds no certificate; finish the run with `dcanas run`, or name a "
                        "finished one with source=DIR.")
    for path in found:
        certificate = read_json(path)
        write_text(path.with_suffix(".md"), certificate_markdown(certificate))
        show_certificate(session.display, path.parent, certificate)
    return 0
