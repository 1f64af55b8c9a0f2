"""`dcanas report source=DIR`: print the certificates of a run and write them again as Markdown."""

from __future__ import annotations

from dcanas.basics.errors import UserError
from dcanas.basics.files import read_json, write_text
from dcanas.commands.session import Session
from dcanas.commands.stages.certifying import show_certificate
from dcanas.commands.stages.deriving import derived_folder
from dcanas.report.certificate import certificate_markdown


def main(session: Session, command: str) -> int:
    for device in session.devices:
        folder = derived_folder(session, device)
        if not (folder / "certificate.json").exists():
            raise UserError(f"{folder} holds no certificate yet; finish the run with `dcanas run`.")
        certificate = read_json(folder / "certificate.json")
        write_text(folder / "certificate.md", certificate_markdown(certificate))
        show_certificate(session, device, certificate)
    return 0
