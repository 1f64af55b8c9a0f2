"""Whether classes are mirror images of each other, as arrows are: a mirrored image would be learnt as the wrong one.

Three cheap descriptions of the images, each with a linear probe: learnt on three quarters of the images, it is asked
about the others and about their mirror images. Where these go to another class that the images themselves do not go
to, and those of that class go back, the two are mirror images.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from dcanas.training.data import Dataset

FEWEST = 20  # images of a class below which nothing can be told
PER_CLASS, ALL = 200, 1_000  # images that are looked at, at most
SIDE = 32  # pixels at which they are looked at
KERNELS, MORE_KERNELS, FEW = 96, 192, 500  # random filters of 3, 5 and 7 pixels; more of them for few images
FOLDS = 4
SURE = 0.25  # share of mirrored images that must go over to the other class, beyond what goes there anyway
DEVIATIONS = 4.0  # standard errors by which that share must exceed zero
PENALTY = 0.1  # of the probe, relative to the mean square of the features


def without_mirrors(dataset: Dataset) -> Dataset:
    """Return the data set with `flip` off if classes are mirror images; what was found stands in its report."""
    if not dataset.flip:
        return dataset
    found = mirrored_classes(dataset)
    return replace(dataset, flip=not found["pairs"], report={**dataset.report, "mirror": found})


def mirrored_classes(dataset: Dataset) -> Mapping[str, Any]:
    """Return pairs of classes that are mirror images of each other, and a sentence on it, as JSON types.

    The images that may be learnt from alone are looked at.
    """
    indices = np.sort(dataset.fit_indices)
    counts = np.bincount(dataset.labels[indices], minlength=len(dataset.classes))
    small = [name for name, count in zip(dataset.classes, counts.tolist(), strict=True) if count < FEWEST]
    told = np.flatnonzero(counts >= FEWEST)
    if len(told) < 2:
        return {"pairs": [], "words": f"Whether classes are mirror images of each other cannot be told from fewer than "
                                      f"{FEWEST} images a class, so mirroring is left as it is."}
    chosen = _some(dataset.labels, indices, told)
    images = _small_floats(dataset, chosen)
    labels = np.searchsorted(told, dataset.labels[chosen])
    pairs: dict[tuple[int, int], float] = {}
    right = 0.0
    for describe in (_pixels, _edges, _filters):
        plain, mirrored = describe(images), describe(images.flip(3))
        before, after = _answers(plain, mirrored, labels, len(told))
        right = max(right, float((before == labels).mean()))
        pairs |= _swapped(labels, before, after, len(told))
    names = [[dataset.classes[told[a]], dataset.classes[told[b]]] for a, b in sorted(pairs)]
    if names:
        shown = ", ".join(f"{a} and {b}" for a, b in names[:5])
        words = (f"Images are not mirrored: mirrored, those of one class look like those of another ({shown}); "
                 "train.flip=true mirrors them all the same.")
    elif right < 1 / len(told) + 2 / np.sqrt(len(labels)):
        words = "Whether classes are mirror images of each other cannot be told, so mirroring is left as it is."
    else:
        words = "No class was found to be the mirror image of another."
    if small and not names:
        words += f" Of classes with fewer than {FEWEST} images it cannot be told ({', '.join(small[:5])})."
    return {"pairs": names, "words": words}


def _some(labels: np.ndarray, indices: np.ndarray, told: np.ndarray) -> np.ndarray:
    """Return some of the indices, spread evenly over each class."""
    most = max(FEWEST, min(PER_CLASS, ALL // len(told)))
    chosen = []
    for label in told:
        members = indices[labels[indices] == label]
        chosen.append(members[np.linspace(0, len(members) - 1, min(most, len(members))).astype(np.int64)])
    return np.concatenate(chosen)


def _small_floats(dataset: Dataset, indices: np.ndarray) -> Tensor:
    """Return images of 32 pixels with mean 0 and deviation 1 each, float32 (n, C, 32, 32)."""
    images = torch.from_numpy(np.ascontiguousarray(dataset.images[indices])).float()
    images = F.interpolate(images, size=(SIDE, SIDE), mode="bilinear", antialias=True, align_corners=False)
    images = images - images.mean((1, 2, 3), keepdim=True)
    return images / (images.std((1, 2, 3), keepdim=True) + 1e-3)


def _pixels(images: Tensor) -> Tensor:
    return F.avg_pool2d(images, 2).flatten(1)


def _edges(images: Tensor) -> Tensor:
    """Return how much edge of each of eight directions is in each of 4x4 cells."""
    grey = F.pad(images.mean(1, keepdim=True), (1, 1, 1, 1), mode="replicate")
    across = (grey[..., 1:-1, 2:] - grey[..., 1:-1, :-2])[:, 0]
    down = (grey[..., 2:, 1:-1] - grey[..., :-2, 1:-1])[:, 0]
    angle = torch.atan2(down, across)
    strength = torch.hypot(across, down)
    bins = torch.stack([strength * torch.cos(angle - k * np.pi / 4).clamp(min=0) ** 4 for k in range(8)], 1)
    return F.avg_pool2d(bins, SIDE // 4).flatten(1).sqrt()


def _filters(images: Tensor) -> Tensor:
    """Return the strongest answer and the mean positive answer of random filters, wherever in the image."""
    generator, images = torch.Generator().manual_seed(0), images.mean(1, keepdim=True)
    count = (MORE_KERNELS if len(images) <= FEW else KERNELS) // 3
    found = []
    for side in (3, 5, 7):
        kernels = torch.randn(count, 1, side, side, generator=generator)
        kernels = kernels - kernels.mean((1, 2, 3), keepdim=True)
        kernels = kernels / kernels.square().sum((1, 2, 3), keepdim=True).sqrt()
        for start in range(0, len(images), 256):
            answer = F.conv2d(images[start:start + 256], kernels)
            found.append(torch.cat([answer.amax((2, 3)), answer.clamp(min=0).mean((2, 3))], 1))
    parts = np.array_split(np.arange(len(found)), 3)
    return torch.cat([torch.cat([found[i] for i in part]) for part in parts], 1)


def _answers(plain: Tensor, mirrored: Tensor, labels: np.ndarray, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the classes that probes give each image and its mirror image, learnt from the others' folds (n,)."""
    before, after = np.zeros(len(labels), np.int64), np.zeros(len(labels), np.int64)
    fold = np.arange(len(labels)) % FOLDS
    for part in range(FOLDS):
        learnt, asked = fold != part, fold == part
        probe = _probe(plain[learnt], labels[learnt], classes)
        before[asked], after[asked] = probe(plain[asked]), probe(mirrored[asked])
    return before, after


def _probe(features: Tensor, labels: np.ndarray, classes: int) -> Callable[[Tensor], np.ndarray]:
    """Return a linear classifier, fitted by ridge regression on one-hot labels, classes weighing the same."""
    mean, deviation = features.mean(0), features.std(0) + 1e-6
    known = ((features - mean) / deviation).double()
    target = F.one_hot(torch.from_numpy(labels), classes).double()
    target = target - target.mean(0)
    kernel = known @ known.T
    weights = known.T @ torch.linalg.solve(kernel + PENALTY * kernel.diagonal().mean() * torch.eye(len(known)), target)
    return lambda asked: (((asked - mean) / deviation).double() @ weights).argmax(1).numpy()


def _swapped(labels: np.ndarray, before: np.ndarray, after: np.ndarray, classes: int) -> dict[tuple[int, int], float]:
    """Return pairs of classes whose images go over to each other if they are mirrored, and the share that does."""
    found = {}
    for a in range(classes):
        for b in range(a + 1, classes):
            ways = [(after[labels == one] == other).astype(float) - (before[labels == one] == other)
                    for one, other in ((a, b), (b, a))]
            share = np.mean([way.mean() for way in ways])
            error = np.sqrt(sum((way.var() + 1 / len(way)) / len(way) for way in ways)) / 2
            if min(way.mean() for way in ways) > SURE / 2 and share > max(SURE, DEVIATIONS * error):
                found[a, b] = float(share)
    return found
