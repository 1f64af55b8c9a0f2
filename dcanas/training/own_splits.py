"""Splits that the user has made are kept; those that are missing come out of the training images."""

from __future__ import annotations

import numpy as np

from dcanas.training.spec import DataSpec
from dcanas.training.splits import split, thin


def complete_splits(spec: DataSpec, classes: tuple[str, ...], labels: np.ndarray, owner: np.ndarray,
                    groups: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """Return the positions of `train`, `validation` and `test`, of what is learnt from the fraction that `spec` states.

    A validation split of the user's own stays whole, as every test split does.

    Args:
        labels: index into `classes` of each image. Shape: (N,)
        owner: the split that the user put each image into; `train` for all if none was made. Shape: (N,)
        groups: a number per image; images of one group stay in one split. Shape: (N,)

    Raises:
        UserError: a class has too few images or groups.
    """
    own = {part: np.flatnonzero(owner == part) for part in ("validation", "test") if part in owner}
    validation = spec.validation_fraction if "validation" not in own else 0.0
    test = spec.test_fraction if "test" not in own else 0.0
    shares = {"train": (1 - test) * (1 - validation), "validation": (1 - test) * validation, "test": test}
    shares = {name: share for name, share in shares.items() if name not in own}
    least = {name: 2 if name == "train" else 1 for name in shares}
    rest = np.flatnonzero(owner == "train")
    made = split(labels[rest], shares, least, classes, spec.split_seed, None if groups is None else groups[rest])
    parts = {**{name: rest[positions] for name, positions in made.items()}, **own}
    for name in ("train", "validation"):
        if name not in own:
            parts[name] = thin(labels, parts[name], spec.fraction, least[name], spec.split_seed)
    return parts
