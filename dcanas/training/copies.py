"""The same picture stored several times: on one side of every split, and tested once."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dcanas.basics.errors import UserError
from dcanas.training.own_splits import complete_splits
from dcanas.training.spec import DataSpec

NAMED = 5  # pairs that are named


@dataclass(frozen=True)
class Divided:
    """The splits of images, of which some may be copies of others.

    Attributes:
        parts: positions of `train`, `validation` and `test`, and of `copies`: test images that are also learnt from or
            tested already, which do not count.
        learnt: number of test images that are also in train or validation.
    """

    parts: dict[str, np.ndarray]
    learnt: int

    def record(self, labels: np.ndarray, copy_of: np.ndarray, names: Sequence[str]) -> dict[str, Any]:
        """Return what is known of the copies as JSON types.

        Args:
            labels, copy_of: see `divide`.
            names: of the images (N,).
        """
        copies = np.flatnonzero(copy_of != np.arange(len(copy_of)))
        two = copies[labels[copies] != labels[copy_of[copies]]]
        parts = self.parts
        return {"files": len(copies), "test_files": len(parts["test"]) + len(parts["copies"]),
                "not_counted": len(parts["copies"]), "learnt": self.learnt,
                "validation_learnt": int(np.isin(copy_of[parts["validation"]], copy_of[parts["train"]]).sum()),
                "two_labels": len(two), "examples": [[names[i], names[copy_of[i]]] for i in two[:NAMED].tolist()]}


def divide(spec: DataSpec, classes: tuple[str, ...], labels: np.ndarray, owner: np.ndarray, copy_of: np.ndarray,
           groups: np.ndarray | None = None) -> Divided:
    """Return the splits: as `complete_splits` makes them of different pictures, each with its copies.

    Args:
        labels: index into `classes` of each image (N,).
        owner: the split that the user put each image into (N,).
        copy_of: position of the first image with the same pixels, its own if there is none before it (N,).
        groups: a number per image; images of one group stay in one split (N,).

    Raises:
        UserError: a class has too few different pictures or groups, or no test image counts.
    """
    if (copy_of == np.arange(len(labels))).all():
        return Divided({**complete_splits(spec, classes, labels, owner, groups), "copies": np.zeros(0, np.int64)}, 0)
    first = _firsts(owner, copy_of)
    if groups is not None:
        groups = _joined(groups, copy_of)
    stays = np.flatnonzero(first == np.arange(len(labels)))
    made = _complete(spec, classes, labels[stays], owner[stays], None if groups is None else groups[stays])
    home = np.full(len(labels), "unused", dtype="<U10")
    for part, positions in made.items():
        home[stays[positions]] = part
    others = np.flatnonzero(first != np.arange(len(labels)))
    home[others] = np.where(owner[others] == "train", home[first[others]], owner[others])
    kept = {part: np.flatnonzero(home == part) for part in ("train", "validation", "test")}
    seen = np.isin(copy_of[kept["test"]], copy_of[np.concatenate([kept["train"], kept["validation"]])])
    _, once = np.unique(copy_of[kept["test"]], return_index=True)
    counts = np.isin(np.arange(len(seen)), once) & ~seen
    if not counts.any():
        raise UserError(f"All {len(seen)} test images have the same pixels as images that are learnt from, so they "
                        "test nothing; test on others.")
    return Divided({**kept, "test": kept["test"][counts], "copies": kept["test"][~counts]}, int(seen.sum()))


def first_of_kind(prints: np.ndarray) -> np.ndarray:
    """Return per image the position of the first one with the same fingerprint of its pixels (N,)."""
    _, first, inverse = np.unique(prints, return_index=True, return_inverse=True)
    return np.asarray(first[inverse])


def fingerprint(pixels: np.ndarray) -> bytes:
    """Return 16 bytes that differ where pixels or their shape do."""
    digest = hashlib.blake2b(f"{pixels.shape} {pixels.dtype}".encode(), digest_size=15)
    digest.update(memoryview(np.ascontiguousarray(pixels)))  # type: ignore[arg-type]
    return b"." + digest.digest()


def _firsts(owner: np.ndarray, copy_of: np.ndarray) -> np.ndarray:
    """Return per image the first one of the same pixels in the same split of the user's (N,)."""
    _, first, inverse = np.unique(np.char.add(np.char.add(copy_of.astype(str), " "), owner.astype(str)),
                                  return_index=True, return_inverse=True)
    return np.asarray(first[inverse])


def _joined(groups: np.ndarray, copy_of: np.ndarray) -> np.ndarray:
    """Return the groups with those that share a picture made one (N,)."""
    from scipy.sparse import coo_array  # here: describing a folder takes none of it
    from scipy.sparse.csgraph import connected_components

    number = int(groups.max()) + 1
    pairs = coo_array((np.ones(len(groups)), (groups, groups[copy_of])), shape=(number, number))
    return np.asarray(connected_components(pairs, directed=False)[1][groups])


def _complete(spec: DataSpec, classes: tuple[str, ...], labels: np.ndarray, owner: np.ndarray,
              groups: np.ndarray | None) -> dict[str, np.ndarray]:
    try:
        return complete_splits(spec, classes, labels, owner, groups)
    except UserError as error:
        raise UserError(f"{str(error).rstrip('.')} (of images with the same pixels, only one counts).") from error
