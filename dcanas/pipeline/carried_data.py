"""What a finished run carries of its data: keys and sizes in `data.json`; test images, labels and steps in its bundles.

With these a finished run is deployed, exported, measured and attacked without its images. If images are read again for
it, their keys must be those in `data.json`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from dcanas.basics.errors import UserError
from dcanas.basics.manifest import read_manifest
from dcanas.export import infer
from dcanas.report.kinds import read_result
from dcanas.report.record import newest
from dcanas.training import Dataset
from dcanas.training.data import Normalisation

FILE = "data.json"
Bundled = tuple[np.ndarray, dict[str, Any]]  # images uint8 (N, C, H, W), and the steps from an image file to one


def data_facts(dataset: Dataset) -> dict[str, Any]:
    """Return what `data.json` says of a run's data."""
    return {"fit_key": dataset.fit_key, "test_key": dataset.test_key, "name": dataset.name,
            "classes": list(dataset.classes), "shape": list(dataset.shape), "train": len(dataset.train),
            "validation": len(dataset.validation), "test": len(dataset.test), "moments": dataset.moments,
            "flip": dataset.flip, "learn_validation": dataset.learn_validation,
            "integer_labels": dataset.integer_labels, "report": dict(dataset.report)}


@dataclass(frozen=True, eq=False)
class CarriedDataset(Dataset):
    """The test images of a finished run, as its bundles have them; its other images are not there.

    Attributes:
        facts: content of `data.json`.
        bundled: by size (H, W) of the images.
    """

    facts: dict[str, Any] = field(default_factory=dict)
    bundled: Mapping[tuple[int, int], Bundled] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, int, int]:
        channels, height, width = self.facts["shape"]
        return channels, height, width

    def at(self, size: tuple[int, int]) -> Dataset:
        if size not in self.bundled:
            raise UserError(f"The bundle of the run holds no images of {size[0]}x{size[1]} pixels, which this network "
                            "takes; use a command that reads the images again, such as `dcanas run source=DIR`.")
        images, steps = self.bundled[size]
        return replace(self, images=images, preprocessing=steps,
                       facts={**self.facts, "shape": [self.shape[0], *size]})

    @cached_property
    def fit_key(self) -> str:
        return str(self.facts["fit_key"])

    @cached_property
    def test_key(self) -> str:
        return str(self.facts["test_key"])

    @cached_property
    def moments(self) -> Normalisation:
        mean, deviation = self.facts["moments"]
        return tuple(mean), tuple(deviation)


def carried_data(source: Path, devices: Sequence[str]) -> CarriedDataset | None:
    """Return the test images that a finished run carries; None if it is not finished, of an older version or damaged.

    devices: names of devices whose bundles are read.
    """
    folders = [folder for folder in (finished_folder(source, name) for name in devices) if folder is not None]
    damaged = [path for result in read_manifest(source) for path in result.damaged(source)]
    if not folders or any(path.is_relative_to(folder) for path in damaged for folder in folders):
        return None
    facts, truth = read_result(folders[0] / FILE), np.empty(0, np.int64)
    bundled: dict[tuple[int, int], Bundled] = {}
    try:
        for bundle in [path for folder in folders for path in (folder / "bundle", folder / "baseline/bundle")
                       if path.is_dir()]:
            images, labels = infer.read_test(bundle)  # type: ignore[no-untyped-call]
            steps = infer.read_preprocessing(bundle)  # type: ignore[no-untyped-call]
            truth = truth if bundled else labels
            if len(labels) == len(truth):  # of larger images a bundle may hold fewer
                bundled.setdefault((images.shape[2], images.shape[3]), (images, steps))
    except infer.InputError as error:
        raise UserError(f"{bundle}: {error}") from error
    images, steps = next(iter(bundled.values()))
    none, everything = np.empty(0, np.int64), np.arange(len(truth))
    return CarriedDataset(facts["name"], tuple(facts["classes"]), images, truth, none, none, everything, steps,
                          facts["flip"], learn_validation=facts["learn_validation"],
                          integer_labels=facts["integer_labels"], report=facts["report"], facts=facts, bundled=bundled)


def finished_folder(source: Path, device: str) -> Path | None:
    """Return the folder with the certificate, the bundle and `data.json` of a device; None if there is none.

    For a device that the run was not for, those of the run's only device.
    """
    known = {path.parent.name for path in (source / "derived").glob("*/architecture.json")}
    name = device if device in known else next(iter(known)) if len(known) == 1 else device
    folder = newest(source / "derived", f"{name}*")
    if folder is None or not all((folder / part).exists() for part in ("certificate.json", "bundle", FILE)):
        return None
    return folder


def require_same_data(source: Path, dataset: Dataset) -> None:
    """Raise `UserError` if a data set that was read again is not the one that a run was made with."""
    for path in sorted((source / "derived").glob(f"*/{FILE}")):
        facts = read_result(path)
        changed = [] if list(dataset.classes) == facts["classes"] else ["the classes"]
        changed += [] if dataset.fit_key == facts["fit_key"] else ["the images to learn from"]
        changed += [] if dataset.test_key == facts["test_key"] else ["the test images"]
        if changed:
            raise _other(source, dataset, f"{' and '.join(changed)} are others")
        return
    for labels in sorted((source / "derived").glob("*/bundle/labels.txt")):  # a run of an older version
        if tuple(labels.read_text(encoding="utf-8").splitlines()) != dataset.classes:
            raise _other(source, dataset, "its classes are others")


def _other(source: Path, dataset: Dataset, what: str) -> UserError:
    return UserError(f"The data ({dataset.name}) are no longer those that {source} was made with ({what}), and the two "
                     "cannot be combined; restore them, or begin a new run without source=.")
