"""Reusing a finished run: results of earlier stages are copied, not made again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from dcanas.basics.errors import UserError
from dcanas.basics.files import sha256_of, write_bytes
from dcanas.basics.keys import plain
from dcanas.basics.manifest import note_files, read_manifest, what_happened
from dcanas.hardware import Device
from dcanas.pipeline.context import CACHE, Context
from dcanas.pipeline.settings import differences, stored_settings
from dcanas.report.delivery import SEARCHED, chosen_folder

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
    wanted: list[tuple[Path, Path, Sequence[str]]] = []
    if "search" in before:
        wanted.append((source / "search", run.folder / "search", (*run.method.results, "key.json")))
    for path in source.glob("latency/*/*.json"):  # named by all they depend on, so whatever fits is found
        wanted.append((path.parent, run.folder / "latency" / path.parent.name, (path.name,)))
    _take(source, run.folder, wanted)
    adopt_images(source, run.folder)
    names = [name for stage in before[1:] for name in FILES[stage]]
    if names:
        which = getattr(run.options.own, "which", SEARCHED)  # commands that do not search
        _take(source, run.folder, [(chosen_folder(source / "derived" / _owner(source, device), which),
                                         run.device_folder(device), names) for device in run.devices])


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


def _take(source: Path, folder: Path, wanted: Sequence[tuple[Path, Path, Sequence[str]]]) -> None:
    """Copy files of the run `source` into the run directory `folder` unless they are there, held against its manifest.

    wanted: from which folder into which, and the files' names.
    """
    copied = {there / name: here / name for there, here, names in wanted for name in names
              if not (here / name).exists()}
    known = _known(source, copied)
    for there, here, names in wanted:
        _copy(there, here, names)
    for done, stage, beside in known:
        note_files(folder, done, stage, beside)


def _copy(source: Path, target: Path, names: Sequence[str]) -> None:
    for name in names:
        if not (source / name).exists():
            raise UserError(f"{source / name} is missing: the source run has not reached that stage; finish it with "
                            "the command that began it.")
    for name in names:
        if not (target / name).exists():
            write_bytes(target / name, (source / name).read_bytes())


def _known(source: Path, copied: Mapping[Path, Path]) -> list[tuple[Path, str, list[Path]]]:
    """Return what the source's manifest says of files: the last one of each result, its stage and those beside it.

    copied: the source's files -> ours.
    Raises `UserError` if one of them is not as the source's stage wrote it.
    """
    found = []
    for result in read_manifest(source):
        taken = {source / name: known for name, known in result.files.items() if source / name in copied}
        for path, known in taken.items():
            if not path.is_file() or sha256_of(path) != known:
                raise UserError(f"{path} {what_happened(path)} since {result.stage} wrote it; `dcanas run "
                                f"source={source}` makes it again or says what that costs.")
        if source / result.done in taken:
            done = source / result.done
            found.append((copied[done], result.stage, [copied[path] for path in taken if path != done]))
    return found
