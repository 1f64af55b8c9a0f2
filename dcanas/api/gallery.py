"""Networks that come with this package: each an ONNX file and its certificate, which names its command."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dcanas.api.network import Network
from dcanas.basics.errors import UserError, unknown
from dcanas.basics.files import sha256_of
from dcanas.basics.resources import resource_folder
from dcanas.report.kinds import read_result

SCHEME = "gallery:"


@dataclass(frozen=True)
class GalleryNetwork(Network):
    """One of them; the command that made it is `certificate.content["command"]`.

    Attributes:
        folder: of the ONNX file, `certificate.json`, `labels.txt` and `preprocessing.json`.
    """

    folder: Path

    @property
    def bundle(self) -> Path:
        """The folder; it holds no images and no `infer.py`."""
        return self.folder

    @property
    def onnx(self) -> Path:
        """The delivered file. Shape: float32 (1, C, H, W) in [0, 1] -> logits (1, classes)."""
        return self.bundle / "model.onnx"

    @property
    def _content(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = read_result(self.bundle / "certificate.json")
        return found


def gallery_network(name: str) -> GalleryNetwork:
    """Return a network of the gallery by its name, that of a folder in `gallery/`.

    Raises:
        UserError: there is none of this name, or its file is not the one that its certificate is about.
    """
    folder = resource_folder("gallery")
    names = sorted(path.parent.name for path in folder.glob("*/certificate.json"))
    if name not in names:
        raise unknown("network of the gallery", name, names)
    found = GalleryNetwork(folder / name)
    if sha256_of(found.onnx) != found.certificate.sha256:
        raise UserError(f"{found.onnx} is not the file that its certificate is about; install dcanas again.")
    return found
