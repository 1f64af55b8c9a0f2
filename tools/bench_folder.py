"""What the checks of a folder of images cost beside reading it: seconds of one core, and memory.

    python -m tools bench_folder images=50000

A folder of so many different JPEG files of 32 pixels in ten classes is made and removed. Seconds are those of the
processor, so that what else the machine does counts little.
"""

from __future__ import annotations

import resource
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from dcanas.export.infer import open_image, upright
from dcanas.training import DataSpec
from dcanas.training.folder import folder
from dcanas.training.folder_files import list_folder
from dcanas.training.mirror import mirrored_classes
from dcanas.training.near import near_pairs
from dcanas.training.pictures import examine
from tools.markdown import print_table

CLASSES = 10


def main(*, images: int = 50_000, side: int = 32) -> None:
    """Print the table."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as made:
        root = _make(Path(made) / "photos", images, side)
        spec = DataSpec("folder", str(root))
        before = _megabytes()
        rows = []
        listed, seconds = _timed(lambda: list_folder(spec))
        rows.append(["names, layout, links, litter", seconds])
        reading = _timed(lambda: _read(listed.paths))[1]
        pictures, seconds = _timed(lambda: examine(listed.paths))
        rows.append(["sizes, depth, fingerprints, small copies, beside reading", seconds - reading])
        rows.append(["near-identical pairs", _timed(lambda: near_pairs(pictures.small, pictures.copy_of))[1]])
        memory = _megabytes() - before
        dataset = folder(spec)
        rows.append(["mirror images", _timed(lambda: mirrored_classes(dataset))[1]])
        rows.append(["all checks", sum(seconds for _, seconds in rows)])
        rows.append(["reading alone", reading])
        print_table(["what", "seconds of one core"], [[name, f"{seconds:.1f}"] for name, seconds in rows])
        print(f"{images:,} JPEG files of {side} pixels; the checks take {memory:,.0f} MB at most")


def _make(root: Path, images: int, side: int) -> Path:
    rng = np.random.default_rng(0)
    for label in range(CLASSES):
        (root / str(label)).mkdir(parents=True)
    for number in range(images):
        coarse = Image.fromarray(rng.integers(0, 256, (6, 6, 3), dtype=np.uint8))
        coarse.resize((side, side), Image.Resampling.BICUBIC).save(root / str(number % CLASSES) / f"{number}.jpg")
    return root


def _read(paths: Sequence[Path]) -> None:
    for path in paths:
        with open_image(path) as image:
            upright(image)


def _timed(work: Callable[[], Any]) -> tuple[Any, float]:
    start = time.process_time()
    found = work()
    return found, time.process_time() - start


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
