"""What to ship: the recommended of the networks that a run made for a device, with its certificate and its bundle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dcanas.basics.errors import UserError
from dcanas.report.kinds import read_result

if TYPE_CHECKING:
    from dcanas.report.record import DeviceRecord, RunRecord

SEARCHED, RIVAL = WHICH = "searched", "rival"
RECOMMENDED = "recommended"
CHOICES = (RECOMMENDED, *WHICH)  # values of the option `which`
BESIDE = "baseline"  # folder of the rival inside that of a device
BUNDLE, SUMS = "bundle", "SHA256SUMS"


@dataclass(frozen=True)
class Delivery:
    """One of the networks of a device, as it would be shipped.

    Attributes:
        which: "searched" or "rival".
        certificate: what was promised, predicted and measured of it.
        folder: of the network: its weights and its exported file.
        base: folder in which the paths of the certificate begin.
    """

    which: str
    certificate: Mapping[str, Any]
    folder: Path
    base: Path

    @property
    def bundle(self) -> Path:
        """The folder to hand over."""
        return self.base / str(self.certificate["bundle"])

    @property
    def onnx(self) -> Path:
        """The delivered file."""
        return self.base / str(self.certificate["onnx"])


def recommended(certificate: Mapping[str, Any]) -> str:
    """Return which network a certificate recommends: the searched one, or the rival that it was compared with."""
    comparison = certificate.get("comparison") or {}
    return RIVAL if comparison.get("recommended") == BESIDE else SEARCHED


def chosen_folder(device_folder: Path, which: str) -> Path:
    """Return the folder of the network of a device that is asked for; before there is a certificate, what is
    recommended is the searched one.

    which: one of `CHOICES`.
    """
    certificate = device_folder / "certificate.json"
    if which == RECOMMENDED:
        which = recommended(read_result(certificate)) if certificate.exists() else SEARCHED
    return network_folder(device_folder, which)


def network_folder(device_folder: Path, which: str) -> Path:
    """Return the folder of one of the networks of a device."""
    return device_folder / BESIDE if which == RIVAL else device_folder


def sides(certificate: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return what a certificate says of the network that it is about and of the other one, by `which`."""
    own = certificate.get("which", SEARCHED)
    found = {own: certificate}
    if "comparison" in certificate:
        found[RIVAL if own == SEARCHED else SEARCHED] = certificate["comparison"]
    return found


def delivery(record: RunRecord, device: DeviceRecord, which: str | None = None) -> Delivery | None:
    """Return what a run ships for a device, None before there is a certificate.

    Args:
        which: "searched" or "rival"; None: the recommended one.

    Raises:
        UserError: the rival is asked for, and the run has none.
    """
    searched = device["certificate"]
    if searched is None:
        return None
    best = recommended(searched)
    chosen = which or best
    folder = network_folder(device.folder, chosen)
    certificate = device["rival"] if chosen == RIVAL else searched
    if certificate is None:
        raise UserError(f"{record.folder} has no rival for {device.name}, as its network was compared with none; "
                        f"`dcanas run source={record.folder} baseline=true` makes that comparison.")
    top = record.folder / BUNDLE
    if chosen == best and len(record.settings["device"]) == 1 and is_copy(folder / BUNDLE, top):
        return Delivery(chosen, at_top(certificate, folder, record.folder), folder, record.folder)
    return Delivery(chosen, certificate, folder, folder)


def is_copy(bundle: Path, other: Path) -> bool:
    """Return whether another folder holds the bundle, by the SHA-256 of its files that each has written in it."""
    mine, theirs = bundle / SUMS, other / SUMS
    return mine.is_file() and theirs.is_file() and mine.read_bytes() == theirs.read_bytes()


def at_top(certificate: Mapping[str, Any], folder: Path, top: Path) -> dict[str, Any]:
    """Return the certificate of a network's folder with paths that begin at the run directory."""
    own = {**certificate, BUNDLE: BUNDLE, "onnx": f"{BUNDLE}/{Path(certificate['onnx']).name}"}
    if "comparison" in own:
        paths = {key: _relative(folder / own["comparison"][key], top) for key in (BUNDLE, "onnx")}
        own["comparison"] = {**own["comparison"], **paths}
    return own


def _relative(path: Path, top: Path) -> str:
    """Return a path from `top`, without steps back."""
    parts: list[str] = []
    for part in path.relative_to(top).parts:
        parts = parts[:-1] if part == ".." else [*parts, part]
    return "/".join(parts)
