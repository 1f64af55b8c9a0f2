"""scikit-learn's 1,797 handwritten digits (Alpaydin & Kaynak, 1998): real, 8x8, grey, no download."""

from __future__ import annotations

from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from dcanas.training.data import Dataset, Originals, preprocessing, refit, refit_some
from dcanas.training.spec import DataSpec
from dcanas.training.splits import split, thin


def digits(spec: DataSpec, cache: Path | None = None) -> Dataset:
    """Handwritten digits 0 to 9, 8x8 grey; mirrored digits are not digits."""
    spec.allow()
    raw = np.loadtxt(_file(), delimiter=",")
    images = np.rint(raw[:, :-1] * (255 / 16)).astype(np.uint8).reshape(-1, 1, 8, 8)  # the originals count 0 to 16
    labels = raw[:, -1].astype(np.int64)
    classes = tuple(map(str, range(10)))
    side = spec.size or 8
    steps = preprocessing((side, side), spec.channels or 1)
    test = spec.test_fraction
    validation = (1 - test) * spec.validation_fraction
    shares = {"train": 1 - test - validation, "validation": validation, "test": test}
    parts = split(labels, shares, {"train": 2, "validation": 1, "test": 1}, classes, spec.split_seed)
    for name, least in (("train", 2), ("validation", 1)):
        parts[name] = thin(labels, parts[name], spec.fraction, least, spec.split_seed)
    return Dataset("digits", classes, refit(images, steps), labels, parts["train"], parts["validation"],
                   parts["test"], preprocessing=steps, flip=False,
                   refitted=Originals(partial(refit_some, images)))


def _file() -> Path:
    """Return the package's file; importing the package for it would take every process a second."""
    package = find_spec("sklearn")
    assert package is not None
    assert package.origin is not None
    return Path(package.origin).parent / "datasets" / "data" / "digits.csv.gz"
