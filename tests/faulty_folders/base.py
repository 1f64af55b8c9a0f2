"""Folders of images as people have them: with a fault of a kind, or sound and only like one with a fault.

Each is a function that fills an empty folder and returns what must come of it: `Right` (classes, images per split, and
words among the sentences) or `Said` (words of the one sentence that it is refused with). `options` are settings.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

CLASSES = ("cat", "dog")


@dataclass(frozen=True)
class Right:
    """What is understood: classes, numbers of train with validation and of test images, words that are said."""

    classes: tuple[str, ...]
    learnt: int
    test: int
    says: tuple[str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    silent: tuple[str, ...] = ()
    flip: bool | None = None


@dataclass(frozen=True)
class Said:
    """The words of the sentence with which a folder is refused."""

    words: tuple[str, ...]
    options: dict[str, Any] = field(default_factory=dict)


Case = Callable[[Path], Right | Said]
FAULTY: dict[str, Case] = {}
SOUND: dict[str, Case] = {}


def faulty(case: Case) -> Case:
    FAULTY[case.__name__] = case
    return case


def sound(case: Case) -> Case:
    SOUND[case.__name__] = case
    return case


def noise(seed: int, size: tuple[int, ...] = (12, 12, 3)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, size, dtype=np.uint8)


_drawn = 0


def put(folder: Path, count: int = 10, kind: str = "png", first: int | None = None, **options: Any) -> list[Path]:
    """Write `count` different images of noise, others each time unless `first` seeds them."""
    global _drawn
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for i in range(count):
        _drawn += 1
        path = folder / f"i{i:03d}{f'.{kind}' if kind else ''}"
        Image.fromarray(noise(_drawn if first is None else first + i)).save(
            path, {"jfif": "JPEG", "jpe": "JPEG", "": "PNG"}.get(kind), **options)
        paths.append(path)
    return paths


def two(root: Path, count: int = 10, names: Sequence[str] = CLASSES) -> None:
    for name in names:
        put(root / name, count)


def splits(root: Path, names: Sequence[str], counts: Sequence[int] = (10, 5, 5)) -> None:
    for name, count in zip(names, counts, strict=False):
        two(root / name, count)
