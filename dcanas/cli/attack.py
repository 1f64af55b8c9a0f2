"""`dcanas attack source=DIR [attacks=[...] eps_255=[...] norm=...]`: attacks and corrupts a finished run's networks.

The results are added to the certificates of that run, whose settings do not change.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from dcanas.basics.errors import UserError
from dcanas.basics.manifest import require_whole
from dcanas.basics.mapping import from_mapping
from dcanas.basics.typed_path import typed_path
from dcanas.export.onnx_file import require_bounded
from dcanas.pipeline.context import Context
from dcanas.pipeline.robustness import attack_network
from dcanas.pipeline.settings import Settings, stored_settings
from dcanas.pipeline.ship import shipped_folder, write_certificate
from dcanas.report.kinds import read_result
from dcanas.report.record import REPORT
from dcanas.report.robustness import show_robustness

ASKED = ("robustness", "attacks", "eps_255", "norm", "attack_images")  # settings of the attack, not of the run


def main(command: str, asked: Context) -> None:
    """Attack the networks of the run that `source` names, with the attacks that the settings of this command name."""
    options, threat = asked.options, asked.settings.threat
    if options.source is None or options.run.dir is not None:
        raise UserError("`dcanas attack` adds to the certificates of a finished run: name its directory with "
                        "source=DIR, and leave run.dir out.")
    there: Settings = from_mapping(Settings, stored_settings(Path(options.source)))
    own = replace(asked.settings, **{name: getattr(there, name) for name in ASKED})
    run = Context(own, options, asked.command, asked.hooks)
    run.use_bundle()
    if run.source is not None:
        raise UserError(f"`dcanas attack` takes the run in {options.source} as it is; beside source only "
                        f"{', '.join((*ASKED[1:], 'onnx', 'which'))} and run.* can be set.")
    require_whole(run.location, f"dcanas run source={options.source}", REPORT)
    further = None if options.own.onnx is None else typed_path(options.own.onnx)
    if further is not None:
        require_bounded(further)
    for device in run.devices:
        folder = shipped_folder(run, device, options.own.which)
        found = attack_network(run, folder, threat, f"Attack the network for {device.name}", further=further)
        certificate = read_result(folder / "certificate.json")
        others = [one for one in certificate.get("robustness", []) if one["key"] != found["key"]]
        certificate["robustness"] = [*others, found]
        write_certificate(run, run.device_folder(device), certificate)
        show_robustness(run.hooks, device.name, found)
        run.hooks.message(f"Certificate: {folder / 'certificate.md'}")
