"""CIFAR-10 images from the folder of published tables."""

from __future__ import annotations

import io
from typing import Literal

import numpy as np
from PIL import Image

from dcanas.hardware.latency.table_files import tables_folder


def cifar_images(split: Literal["train", "test"], count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the first `count` images, uint8 (N, 3, 32, 32), channels last in memory, and their labels (N,)."""
    with np.load(tables_folder() / f"cifar10_{split}_jpeg.npz") as archive:
        blob, ends, labels = archive["jpeg"].tobytes(), archive["end"][:count].tolist(), archive["label"][:count]
    pictures = [np.asarray(Image.open(io.BytesIO(blob[start:end])))
                for start, end in zip([0, *ends[:-1]], ends, strict=True)]
    return np.stack(pictures).transpose(0, 3, 1, 2), labels.astype(np.int64)
