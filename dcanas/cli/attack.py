"""`dcanas attack source=DIR [attacks=[...] eps_255=[...] norm=...]`: attacks and corrupts a finished run's networks.

What is found is added to the certificates of that run; its settings stay what they are.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from dcanas.basics.errors import UserError
from dcanas.basics.files import read_json
from dcanas.cli.configure import stored_settings
from dcanas.pipeline.session import Session
from dcanas.pipeline.settings import Settings, from_mapping
from dcanas.pipeline.stages.attacking import attack_network
from dcanas.pipeline.stages.certifying import show_robustness, write_certificate
from dcanas.pipeline.stages.deriving import derived_folder

ASKED = ("robustness", "attacks", "eps_255", "norm", "attack_images")  # what is asked now, not what the run is


def main(session: Session, command: str) -> int:
    options, threat = session.options, session.settings.threat
    if options.source is None or options.dir is not None:
        raise UserError("`dcanas attack` adds to the certificates of a finished run: name its directory with "
                        "source=DIR, and leave run.dir out.")
    there: Settings = from_mapping(Settings, stored_settings(Path(options.source)))
    run = Session(replace(session.settings, **{name: getattr(there, name) for name in ASKED}), options,
                  session.command)
    if run.source is not None:
        raise UserError(f"`dcanas attack` takes the run in {options.source} as it is; beside source only "
                        f"{', '.join((*ASKED[1:], 'onnx'))} and run.* can be set.")
    for device in run.devices:
        folder = derived_folder(run, device)
        if not (folder / "certificate.json").exists():
            raise UserError(f"{folder} holds no certificate; finish the run with `dcanas run` first.")
        further = None if options.asked["onnx"] is None else Path(options.asked["onnx"]).expanduser()
        found = attack_network(run, folder, threat, f"Attack the network for {device.name}", further=further)
        certificate = read_json(folder / "certificate.json")
        others = [one for one in certificate.get("robustness", []) if one["key"] != found["key"]]
        certificate["robustness"] = [*others, found]
        write_certificate(run, folder, certificate)
        show_robustness(run.display, device.name, found)
        run.display.say(f"Certificate: {folder / 'certificate.md'}")
    return 0
