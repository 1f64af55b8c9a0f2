"""What to ship: for a single device the recommended bundle and its certificate, at the top of the run directory."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dcanas.basics.errors import UserError
from dcanas.basics.files import write_text
from dcanas.basics.manifest import note_files, write_result
from dcanas.export.bundle import FILES, SUMS, copy_bundle
from dcanas.hardware import Device
from dcanas.pipeline.context import Context
from dcanas.report.certificate import certificate_markdown
from dcanas.report.delivery import (
    BUNDLE,
    RECOMMENDED,
    SEARCHED,
    at_top,
    chosen_folder,
    is_copy,
    network_folder,
    recommended,
)
from dcanas.report.kinds import read_result


def write_certificate(run: Context, folder: Path, certificate: Mapping[str, Any]) -> None:
    """Write the certificate of one of a device's networks as JSON and Markdown; if it is what the run ships, its bundle
    and its certificate go to the top of the run directory, too.

    folder: of the device.
    """
    which = certificate.get("which", SEARCHED)
    place = network_folder(folder, which)
    _write(run, place, certificate)
    if len(run.devices) > 1 or which != recommended(certificate) or not (place / BUNDLE / SUMS).is_file():
        return
    top = run.folder / BUNDLE
    if not is_copy(place / BUNDLE, top):
        copy_bundle(place / BUNDLE, top)
    note_files(run.folder, top / SUMS, "certify", sorted(path for path in top.iterdir() if path.name in FILES))
    _write(run, run.folder, at_top(certificate, place, run.folder))


def shipped_certificate(run: Context, device: Device) -> dict[str, Any]:
    """Return the certificate of the recommended network of a device."""
    certificate: dict[str, Any] = read_result(shipped_folder(run, device) / "certificate.json")
    return certificate


def shipped_folder(run: Context, device: Device, which: str = RECOMMENDED) -> Path:
    """Return the folder of the network of a device that is recommended, or of the one that is asked for.

    which: one of `CHOICES`.

    Raises `UserError` if there is no certificate of it.
    """
    folder = run.device_folder(device)
    done = folder / "certificate.json"
    if done.exists():
        found = chosen_folder(folder, which)
        if (found / "certificate.json").exists():
            return found
        raise UserError(f"{run.folder} holds no certificate of a rival for {device.name}: leave which={which} out, or "
                        "compare the searched network with one (baseline=true).")
    raise UserError(f"{folder} holds no certificate; finish the run with `dcanas run` first.")


def _write(run: Context, folder: Path, certificate: Mapping[str, Any]) -> None:
    write_result(run.folder, folder / "certificate.json", dict(certificate), "certify")
    page = folder / "certificate.md"
    write_text(page, certificate_markdown(certificate))
    note_files(run.folder, page, "certify")
