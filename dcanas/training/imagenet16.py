"""ImageNet at 16x16 pixels (Chrabaszcz et al., 2017, arXiv 1707.08819), of which NAS-Bench-201 takes 120 classes."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from dcanas.basics.errors import UserError
from dcanas.training.arrays import data_root, from_arrays
from dcanas.training.data import Dataset, Normalisation
from dcanas.training.plain_pickle import read_plain_pickle
from dcanas.training.spec import DataSpec

SIDE, CLASSES = 16, 1000
BENCHMARK_CLASSES = 120
FOLDER = "ImageNet16"
# Mean and deviation as in the code of NAS-Bench-201: 122.68, 116.66, 104.01 and 63.22, 61.26, 65.09 of 255.
NORMALISATION: Normalisation = ((122.68 / 255, 116.66 / 255, 104.01 / 255), (63.22 / 255, 61.26 / 255, 65.09 / 255))
TRAIN = {  # MD5 sums as published with the benchmark
    "train_data_batch_1": "27846dcaa50de8e21a7d1a35f30f0e91", "train_data_batch_2": "c7254a054e0e795c69120a5727050e3f",
    "train_data_batch_3": "4333d3df2e5ffb114b05d2ffc19b1e87", "train_data_batch_4": "1620cdf193304f4a92677b695d70d10f",
    "train_data_batch_5": "348b3c2fdbb3940c4e9e834affd3b18d", "train_data_batch_6": "6e765307c242a1b3d7d5ef9139b48945",
    "train_data_batch_7": "564926d8cbf8fc4818ba23d2faac7564", "train_data_batch_8": "f4755871f718ccb653440b9dd0ebac66",
    "train_data_batch_9": "bb6dd660c38c58552125b1a92f86b5d4", "train_data_batch_10": "8f03f34ac4b42271a294f91bf480f29b"}
TEST = {"val_data": "3410e3017fdaefba8d5073aaa65e4bd6"}


def imagenet16(spec: DataSpec, cache: Path | None = None) -> Dataset:
    """ImageNet16: ImageNet at 16x16 pixels, data.classes=120 as in NAS-Bench-201; data.root holds `ImageNet16`."""
    spec.allow("root", "split", "classes")
    count = spec.classes or CLASSES
    if spec.split == "nasbench201" and count != BENCHMARK_CLASSES:
        raise UserError(f"data.split=nasbench201 is a split of {BENCHMARK_CLASSES} classes, got {count}; set "
                        f"data.classes={BENCHMARK_CLASSES}.")
    names = tuple(f"class {number}" for number in range(1, count + 1))  # the archive numbers its classes
    learnt, tested = (_half(data_root(spec) / FOLDER, files, count) for files in (TRAIN, TEST))
    return from_arrays(spec, names, learnt, tested, flip=True, normalisation=NORMALISATION)


def _half(folder: Path, files: dict[str, str], classes: int) -> tuple[np.ndarray, np.ndarray]:
    batches = [_batch(folder / name, md5, classes) for name, md5 in files.items()]
    return np.concatenate([images for images, _ in batches]), np.concatenate([labels for _, labels in batches])


def _batch(path: Path, md5: str, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Return images uint8 (N, 3, 16, 16) and labels of the first `classes` classes, in the order of the file."""
    advice = ("get the 16x16 archives from image-net.org (Download, downsampled images) and unpack them into that "
              "folder, or set data.root to the one that holds it")
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "md5").hexdigest()
        if found != md5:
            raise UserError(f"{path} is not the published file (MD5 {found}, expected {md5}); {advice}.")
        content = read_plain_pickle(path.read_bytes(), path)
    except OSError as error:
        raise UserError(f"ImageNet16 is not at {path.parent}, or not whole ({path.name} is missing); "
                        f"{advice}.") from error
    labels = np.asarray(content["labels"])
    kept = (labels >= 1) & (labels <= classes)
    return content["data"][kept].reshape(-1, 3, SIDE, SIDE), labels[kept].astype(np.int64) - 1
