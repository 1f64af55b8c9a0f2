"""Take the network that a finished run ships into the gallery: ONNX file, certificate, class names, preprocessing.

Of the places of images, pretrained weights and the run the certificate there keeps the last name alone.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import dcanas
from dcanas.basics.errors import UserError
from dcanas.basics.resources import resource_folder

FILES = ("model.onnx", "certificate.json", "labels.txt", "preprocessing.json")  # none of the bundle that holds images


def main(run: str, name: str) -> None:
    """Write `gallery/NAME`.

    Args:
        run: directory of the run.
        name: of the network in the gallery.
    """
    found = dcanas.load(run)
    if not found.certificate.met:
        raise UserError(f"The certificate of {run} does not say that every limit is kept.")
    folder = resource_folder("gallery") / name
    folder.mkdir(exist_ok=True)
    for file in FILES:
        shutil.copyfile(found.bundle / file, folder / file)
    content = found.certificate.content
    certificate = folder / "certificate.json"
    places = (content["data"]["root"], content.get("pretrained", {}).get("file"), str(found.directory))
    for place in filter(None, places):
        text = certificate.read_text(encoding="utf-8").replace(place, Path(place).name)
        certificate.write_text(text, encoding="utf-8")
    size = sum(path.stat().st_size for path in folder.iterdir())
    print(f"{folder}: {size / 1e6:.2f} MB, {found.certificate.content['command']}")
