"""`dcanas deploy source=DIR device=NAME`: the bundle of a finished run, copied to the device and run there; or, over a
serial line, images for the microcontroller that runs its code."""

from __future__ import annotations

import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from dcanas.basics.errors import UserError
from dcanas.basics.files import write_json
from dcanas.basics.typed_path import typed_path
from dcanas.export import infer
from dcanas.hardware import Device
from dcanas.hardware.devices.device import Microcontroller
from dcanas.hardware.measuring.deployment import deploy_bundle
from dcanas.hardware.microcontroller.deployed import deploy_code
from dcanas.hardware.transport.parallel import on_all
from dcanas.pipeline.context import Context
from dcanas.pipeline.delivered import CODE, FILES
from dcanas.pipeline.profile import require_connection
from dcanas.pipeline.run import run_until
from dcanas.pipeline.ship import shipped_folder, write_certificate
from dcanas.report.deployments import deployment_lines
from dcanas.report.kinds import read_result
from dcanas.training.folder_walk import image_files

SAMPLES = 16  # images of the bundle's test set, written as files at the network's own size
MOST_FILES = 256


def main(command: str, run: Context) -> None:
    if run.options.source is None:
        raise UserError("dcanas deploy needs source=DIR, the directory of a finished run.")
    for device in run.devices:
        if not isinstance(device, Microcontroller):
            require_connection(device, "dcanas deploy")
    run.use_bundle()
    if run.source is None and not (run.device_folder(run.devices[0]) / "certificate.json").exists():
        raise UserError(f"{run.location} has no certificate yet; finish it with `dcanas run` first.")
    if run.source is not None or not run.carried:  # else all is there, and whole
        run_until(run, "certify")
    which = run.options.own.which
    names = ", ".join(device.name for device in run.devices)
    with run.hooks.stage(f"Deploy to {names}"):
        found = on_all(run.devices, lambda device: _deploy(run, device))
    for device in run.devices:
        entry = found[device.name]
        where = "answered" if "network" in entry else f"the bundle lies in {entry['folder']} there"
        run.hooks.message("\n".join([f"{entry['device']}: {where}.", *deployment_lines(entry),
                                     f"Appended to {shipped_folder(run, device, which) / 'certificate.md'}."]))


def _deploy(run: Context, device: Device) -> dict[str, Any]:
    """Deploy to one device and append what was found to its certificate."""
    options, folder = run.options.deploy, shipped_folder(run, device, run.options.own.which)
    parent = options.folder or (str(folder / "deployed") if device.connection == "local" else None)
    with tempfile.TemporaryDirectory() as made:
        images, origin = _images(options.images, folder / "bundle", Path(made))
        if isinstance(device, Microcontroller):
            summary, samples = _deploy_code(device, folder, images)
        else:
            summary, samples = deploy_bundle(folder / "bundle", device, images, options.seconds, parent,
                                             run.settings.seed)
    certificate = read_result(folder / "certificate.json")
    earlier = certificate.get("deployments", [])
    number = 1 + len(list(folder.glob("deployment-*.json")))
    entry = {"date": datetime.now().astimezone().isoformat(timespec="seconds"), "command": run.command,
             "images_from": origin, "samples": f"deployment-{number}.json", **summary}
    write_json(folder / f"deployment-{number}.json", samples)
    write_certificate(run, run.device_folder(device), {**certificate, "deployments": [*earlier, entry]})
    return entry


def _deploy_code(device: Microcontroller, folder: Path, files: list[Path]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Let the board that runs the network of a folder classify image files."""
    if not (folder / CODE / "network.h").is_file():
        raise UserError(f"{folder} holds no C code; it was made for another device, or by an older version.")
    try:
        steps = infer.read_preprocessing(folder / "bundle")  # type: ignore[no-untyped-call]
        images = np.stack([infer.load_image(file, steps) for file in files])  # type: ignore[no-untyped-call]
    except infer.InputError as error:
        raise UserError(str(error)) from error
    return deploy_code(folder / CODE, folder / FILES["int8"], device, images)


def _images(stated: str | None, bundle: Path, made: Path) -> tuple[list[Path], str]:
    """Return the files to classify and their origin in words: a folder of the user's, or test images of the bundle."""
    from PIL import Image

    if stated is not None:
        folder = typed_path(stated)
        files = image_files(folder) if folder.is_dir() else []
        if not files:
            raise UserError(f"deploy.images must be a folder of image files, and {stated} has none.")
        return files[:MOST_FILES], f"{min(len(files), MOST_FILES)} of {len(files)} files in {stated}"
    try:
        images = infer.read_test(bundle)[0]  # type: ignore[no-untyped-call]
    except infer.InputError as error:
        raise UserError(f"{bundle}: {error}") from error
    images = images[np.linspace(0, len(images) - 1, SAMPLES).astype(int)]
    for number, pixels in enumerate(images):
        Image.fromarray(pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0)).save(made / f"{number:03}.png")
    size = "x".join(str(side) for side in images.shape[2:])
    return sorted(made.glob("*.png")), f"{len(images)} test images of the bundle as PNG files of {size} pixels"
