"""Reusing a finished run: results of earlier stages are copied, not made again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dcanas.basics.errors import UserError
from dcanas.basics.files import write_bytes
from dcanas.basics.keys import plain
from dcanas.hardware import Device
from dcanas.pipeline.context import CACHE, Context
from dcanas.pipeline.settings import differences, stored_settings

FILES = {  # stage -> its results for each device
    "derive": ("architecture.json",),
    "train": ("train.json", "weights.pt"),
    "export": ("model.onnx", "export.json"),
    "profile": ("profile.json",),
}
STAGES = ("search", *FILES)


def adopt(run: Context, source: Path, first: str) -> None:
    """Copy results of another run: of all stages before `first`, measurements, and images given in Python.

    Args:
        source: directory of the other run.
        first: one of `STAGES`.

    Raises:
        UserError: the source lacks a result, or was made with settings that differ from this run's.
    """
    before = STAGES[:STAGES.index(first)]
    _refuse_changes(run, source, before)
    if "search" in before:
        _copy(source / "search", run.folder / "search", (*run.method.results, "key.json"))
    for path in source.glob("latency/*/*.json"):  # named by all they depend on, so whatever fits is found
        _copy(path.parent, run.folder / "latency" / path.parent.name, (path.name,))
    adopt_images(source, run.folder)
    names = [name for stage in before[1:] for name in FILES[stage]]
    for device in run.devices if names else ():
        _copy(source / "derived" / _owner(source, device), run.device_folder(device), names)


def adopt_images(source: Path, folder: Path) -> None:
    """Copy images that were given in Python from one run directory into another, which then stands alone."""
    for path in source.glob(f"{CACHE}/arrays-*.npz"):
        _copy(path.parent, folder / CACHE, (path.name,))


def _refuse_changes(run: Context, source: Path, taken: tuple[str, ...]) -> None:
    """Raise `UserError` if a setting differs that a copied result depends on."""
    method = run.method
    later = tuple(f"search.{name}" for name in method.read_by_derive)
    made_with = {  # stage -> the settings that its result depends on
        "search": (*(("space.", "data.", "search.") if method.scores_final_networks else
                     ("space.name", "space.search_skeleton.", "search.")), "pretrained.", *method.read_beside),
        "derive": ("space.", "budget", "pretrained.", *later),
        "train": ("data.", "train.", "pretrained.", "seed"),
        "export": (),
    }
    for key, text in differences(plain(run.settings), stored_settings(source)).items():
        for stage in taken:
            if key.startswith(made_with.get(stage, ())) and not (stage == "search" and key in later):
                raise UserError(f"The {stage} of {source} is taken as it is, so a setting it was made with cannot "
                                f"change ({text}); leave that setting out, or use a command that begins earlier.")


def _owner(source: Path, device: Device) -> str:
    """Return the device of the source whose results are taken: the same, or the only one there is."""
    there = sorted(p.parent.name for p in (source / "derived").glob("*/architecture.json"))
    if device.name in there:
        return device.name
    if len(there) != 1:
        raise UserError(f"{source} has no derived network for {device.name} (only for: {', '.join(there) or 'none'}); "
                        "name one of these devices or derive first.")
    return there[0]


def _copy(source: Path, target: Path, names: Sequence[str]) -> None:
    for name in names:
        if not (source / name).exists():
            raise UserError(f"{source / name} is missing: the source run has not reached that stage; finish it with "
                            "the command that began it.")
    for name in names:
        if not (target / name).exists():
            write_bytes(target / name, (source / name).read_bytes())
