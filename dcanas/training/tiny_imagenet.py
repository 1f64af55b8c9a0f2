"""Tiny ImageNet (Stanford CS231n): 64x64 RGB, 200 classes of ImageNet, 500 + 50 images each."""

from __future__ import annotations

from pathlib import Path

from dcanas.basics.errors import UserError
from dcanas.training.arrays import data_root
from dcanas.training.data import Dataset, Normalisation
from dcanas.training.files import from_files, synonyms
from dcanas.training.folder_walk import image_files, subfolders
from dcanas.training.spec import DataSpec

SIDE = 64
FOLDER = "tiny-imagenet-200"
# Mean and deviation of all training pixels, as the field's recipes have them.
NORMALISATION: Normalisation = ((0.4802, 0.4481, 0.3975), (0.2770, 0.2691, 0.2821))
_ADVICE = ("get tiny-imagenet-200.zip at cs231n.stanford.edu, unpack it, and set data.root to the folder that holds "
           f"{FOLDER}")


def tiny_imagenet(spec: DataSpec, cache: Path | None = None) -> Dataset:
    """Tiny ImageNet: 110,000 photographs of 200 kinds of thing; data.root (`data`) holds `tiny-imagenet-200`.

    The published validation images are the test split, for the labels of the test images are not published.
    """
    spec.allow("root")
    root = data_root(spec) / FOLDER
    listing, annotations = root / "wnids.txt", root / "val" / "val_annotations.txt"
    for needed in (listing, annotations, root / "train"):
        if not needed.exists():
            raise UserError(f"Tiny ImageNet is not at {root}, or not whole ({needed.relative_to(root)} is missing); "
                            f"{_ADVICE}.")
    wnids = sorted(listing.read_text(encoding="utf-8").split())
    there = [folder.name for folder in subfolders(root / "train")]
    if wnids != there:
        odd = sorted(set(wnids) ^ set(there))
        raise UserError(f"wnids.txt of {root} names {len(wnids)} classes, but train/ holds {len(there)} class folders "
                        f"({odd[0]} is only in {'wnids.txt' if odd[0] in wnids else 'train/'}); {_ADVICE}.")
    learnt = [image_files(root / "train" / wnid / "images") for wnid in wnids]
    classes = synonyms(wnids, root / "words.txt", "\t")
    return from_files(spec, classes, learnt, _tested(annotations, wnids), root, SIDE, NORMALISATION, cache)


def _tested(annotations: Path, wnids: list[str]) -> list[list[Path]]:
    """Return the validation images of each class, as `val_annotations.txt` assigns them (file, id, box)."""
    found: dict[str, list[Path]] = {wnid: [] for wnid in wnids}
    folder = annotations.parent / "images"
    for number, line in enumerate(annotations.read_text(encoding="utf-8").splitlines(), 1):
        name, wnid = (*line.split("\t"), "", "")[:2]
        if wnid not in found or "/" in name:
            raise UserError(f"Line {number} of {annotations} must begin with a file name and a class of wnids.txt, "
                            f"separated by tabs, got {line[:60]!r}; {_ADVICE}.")
        found[wnid].append(folder / name)
    missing = sorted({path for paths in found.values() for path in paths} ^ set(image_files(folder)))
    if missing:
        raise UserError(f"{annotations} and the images beside it do not match ({missing[0].name} is only in one "
                        f"of them); {_ADVICE}.")
    return [sorted(found[wnid]) for wnid in wnids]
