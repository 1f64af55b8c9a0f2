"""Splits that keep the classes' shares, and images of one group together."""

from __future__ import annotations

import numpy as np

from dcanas.basics.errors import UserError
from dcanas.basics.keys import derive_seed
from dcanas.training.data import Dataset

_ATTEMPTS = 20  # orders in which groups are tried before a split is called impossible


def split(labels: np.ndarray, shares: dict[str, float], least: dict[str, int], classes: tuple[str, ...],
          seed: int, groups: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """Return for each name in `shares` sorted positions in `labels`, stratified by class.

    Args:
        labels: class indices (N,).
        shares: of each part; they sum to 1.
        least: number of images of every class that each part must get.
        classes: names, for messages.
        groups: a number per image (N,); images of one group stay in one part.

    Raises `UserError` naming a class with too few images or groups.
    """
    for c, count in enumerate(np.bincount(labels, minlength=len(classes)).tolist()):
        if count < sum(least.values()):
            parts = ", ".join(f"{n} for {name}" for name, n in least.items())
            images = f"{count} image{'s' * (count != 1)}"
            raise UserError(f"Class {classes[c]!r} has {images}, but the splits need at least "
                            f"{sum(least.values())} ({parts}); add images or remove the class.")
    if groups is None:
        part = _by_image(labels, shares, least, len(classes), seed)
    else:
        part = _by_group(labels, shares, least, classes, seed, groups)
    return {name: np.flatnonzero(part == p) for p, name in enumerate(shares)}


def thin(labels: np.ndarray, positions: np.ndarray, fraction: float, least: int, seed: int) -> np.ndarray:
    """Return the sorted `fraction` of every class among `positions`; a smaller fraction is part of a larger one.

    Args:
        labels: class indices of all images (N,).
        positions: of the images to choose from (n,).
        least: number of images that a class keeps if it has them.
    """
    if fraction == 1:
        return positions
    kept = []
    for c in np.unique(labels[positions]).tolist():
        members = positions[labels[positions] == c]
        order = np.random.default_rng(derive_seed(seed, "fraction", c)).permutation(members)
        kept.append(order[:max(least, round(fraction * len(members)))])
    return np.sort(np.concatenate(kept))


def sample(dataset: Dataset, positions: np.ndarray, largest_bytes: int, seed: int) -> np.ndarray:
    """Return all positions, or a class-balanced part of them if their images take more than `largest_bytes`."""
    needed = len(positions) * int(np.prod(dataset.shape))
    return thin(dataset.labels, positions, min(1.0, largest_bytes / needed), 1, seed)


def halves(dataset: Dataset, split_seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return two stratified halves of the training split: one for the weights, one for the alphas."""
    parts = split(dataset.labels[dataset.train], {"weights": 0.5, "alphas": 0.5}, {"weights": 1, "alphas": 1},
                  dataset.classes, derive_seed(split_seed, "halves"))
    return dataset.train[parts["weights"]], dataset.train[parts["alphas"]]


def _by_image(labels: np.ndarray, shares: dict[str, float], least: dict[str, int], classes: int,
              seed: int) -> np.ndarray:
    part = np.empty(len(labels), dtype=np.int64)
    smallest = np.array(list(least.values()))
    for c in range(classes):
        members = np.flatnonzero(labels == c)
        exact = np.cumsum(list(shares.values())) * len(members)
        counts = np.diff(np.rint(exact).astype(np.int64), prepend=0)
        while (counts < smallest).any():  # small classes: the largest part gives
            counts[np.argmax(counts - smallest)] -= 1
            counts[np.argmin(counts - smallest)] += 1
        order = np.random.default_rng(derive_seed(seed, "split", c)).permutation(members)
        part[order] = np.repeat(np.arange(len(counts)), counts)
    return part


def _by_group(labels: np.ndarray, shares: dict[str, float], least: dict[str, int], classes: tuple[str, ...],
              seed: int, groups: np.ndarray) -> np.ndarray:
    """Greedy: first every part gets its least of every class, then each group goes to the part that lacks most."""
    number = int(groups.max()) + 1
    content = np.zeros((number, len(classes)))
    np.add.at(content, (groups, labels), 1)
    totals = content.sum(axis=0)
    wanted = np.outer(list(shares.values()), totals)
    smallest = list(least.values())
    short = ""
    for attempt in range(_ATTEMPTS):
        order = np.random.default_rng(derive_seed(seed, "groups", attempt)).permutation(number)
        order = order[np.argsort(-content[order].sum(axis=1), kind="stable")]
        assigned = np.full(number, -1)
        have = np.zeros_like(wanted)

        def place(group: int, part: int, assigned: np.ndarray = assigned, have: np.ndarray = have) -> None:
            assigned[group] = part
            have[part] += content[group]

        def gain(group: int, part: int, have: np.ndarray = have) -> float:
            missing = (wanted[part] - have[part]) / totals
            return float((missing**2 - (missing - content[group] / totals) ** 2).sum())

        short = ""
        for c in np.argsort((content > 0).sum(axis=0), kind="stable"):  # the class in fewest groups first
            for part in np.argsort(list(shares.values()), kind="stable"):
                while have[part, c] < smallest[part]:
                    free = [g for g in order if assigned[g] < 0 and content[g, c]]
                    if not free:
                        short = short or classes[c]
                        break
                    place(max(free, key=lambda g: gain(g, part)), part)
        if not short:
            for group in order[assigned[order] < 0]:
                place(group, max(range(len(smallest)), key=lambda p: gain(group, p)))
            return assigned[groups]
    held = int((content[:, classes.index(short)] > 0).sum())
    raise UserError(f"data.group_by leaves class {short!r} {held} group{'s' * (held != 1)}, which cannot be "
                    f"dealt out to {', '.join(shares)}; use finer groups or add images.")
