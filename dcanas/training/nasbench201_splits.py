"""The splits of NAS-Bench-201 (Dong & Yang, ICLR 2020), read from the benchmark's own files.

CIFAR-10: the training images in two halves of 25,000, one to learn from, one to validate. CIFAR-100 and ImageNet16-120:
all training images to learn from, the test images in two halves (5,000 and 3,000 each), one to validate, one to test.
The files hold JSON: `{"xvalid": ["int", ["1", "3", ...]], "xtest": ["int", [...]]}`.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from dcanas.basics.errors import UserError

SOURCE = "configs/nas-benchmark/ of github.com/D-X-Y/AutoDL-Projects"
_FILES = {"cifar10": ("cifar-split.txt", "train", "valid"), "cifar100": ("cifar100-test-split.txt", "xvalid", "xtest"),
          "imagenet16": ("imagenet-16-120-test-split.txt", "xvalid", "xtest")}


def published_split(name: str, root: Path, learnt: int, tested: int) -> dict[str, np.ndarray]:
    """Return the positions of the train, validation and test split in the images to learn from and to test on.

    Args:
        name: "cifar10", "cifar100" or "imagenet16".
        root: folder that holds the benchmark's file.
        learnt: number of images to learn from.
        tested: number of images to test on.

    Raises `UserError` for a file that is missing, damaged or of other images.
    """
    file, *keys = _FILES[name]
    path = root / file
    count = learnt if name == "cifar10" else tested
    first, second = _read(path, keys, count)
    if name == "cifar10":
        return {"train": first, "validation": second, "test": learnt + np.arange(tested)}
    return {"train": np.arange(learnt), "validation": learnt + first, "test": learnt + second}


def _read(path: Path, keys: list[str], count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the two sorted halves of 0 .. count - 1 that the file names."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        parts = [np.array([int(number) for number in content[key][1]], dtype=np.int64) for key in keys]
    except OSError as error:
        raise UserError(f"data.split=nasbench201 needs the benchmark's file {path}; take {path.name} from "
                        f"{SOURCE}.") from error
    except (ValueError, KeyError, TypeError, IndexError, OverflowError) as error:
        raise UserError(f"{path} is not the benchmark's split: expected JSON with lists of numbers {keys[0]} and "
                        f"{keys[1]}; take it from {SOURCE} again.") from error
    together = np.sort(np.concatenate(parts))
    if not np.array_equal(together, np.arange(count)):
        raise UserError(f"{path} does not deal each of the {count} images to {keys[0]} or {keys[1]} once (it holds "
                        f"{len(together)} numbers); take it from {SOURCE} again.")
    return np.sort(parts[0]), np.sort(parts[1])
