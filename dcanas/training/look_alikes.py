"""Photographs that look alike stay on one side of a split: near copies of what was learnt from judge nothing.

Features and not pixels alone: goods photographed on one shelf a step apart differ in every pixel, and hashes do not
tell such pairs from others; features of a network that knows ImageNet do.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.cluster import AgglomerativeClustering
from torch import Tensor, nn

from dcanas.basics.errors import UserError
from dcanas.basics.files import read_json, write_json
from dcanas.basics.keys import derive_seed, key_of
from dcanas.export.classifier import Normalise
from dcanas.pretrained import Pretrained, PretrainedParts
from dcanas.training.data import Dataset, Images, preprocessing, refit
from dcanas.training.folder import open_folder
from dcanas.training.hashing import BITS, TEXTURE, difference_hash
from dcanas.training.spec import DataSpec

LIKE = 0.25  # average cosine distance up to which images of a class are one group
FEATURES_PX = 96
CLASS = 2_000  # images of a class beyond which features do not join: clustering takes their number squared
MANY = 10_000  # images to learn from beyond which none are compared
LEAST = 0.25  # times its share: fewest images of a class that are kept for validation
ROOM = 1.3  # times its share: most images of a class that are kept for validation
CHUNK = 32  # images at once: what passes through the network stays in the processor's cache


def keep_together(dataset: Dataset, spec: DataSpec, pretrained: Pretrained, cache: Path | None = None) -> Dataset:
    """Return the data set with look-alikes on one side of the validation split, if that split is the tool's own.

    A split that the user has made or published, and groups that the user names, stay as they are.

    Args:
        cache: see `groups_of`.
    """
    if spec.group_by or spec.split or not dataset.learn_validation or divided_before(dataset):
        return dataset
    groups = groups_of(dataset, spec, pretrained, cache)
    return regroup(dataset, groups, spec.validation_fraction, derive_seed(spec.split_seed, "look-alikes"))


def divided_before(dataset: Dataset) -> bool:
    """Return whether validation images were given apart: then they come after all training images, not among them."""
    return int(dataset.validation.min()) > int(dataset.train.max())


def groups_of(dataset: Dataset, spec: DataSpec, pretrained: Pretrained, cache: Path | None = None) -> np.ndarray:
    """Return a group per image that may be learnt from, in the order of `fit_indices` (n,).

    They are those that the user names (`data.group_by`), else look-alikes; of more than 10,000 images each is its own.

    Args:
        cache: folder in which look-alikes are kept: found again on another machine, whose features differ in the last
            bit, they might be others, and so would the split be. They hold however train and validation are divided,
            and whatever the normalisation. None: they are found each time.

    Raises:
        UserError: the folder cannot be written.
    """
    indices = dataset.fit_indices
    if spec.group_by:
        opened = open_folder(spec)
        used = np.sort(np.concatenate(list(opened.divided.parts.values())))
        return np.asarray(opened.listed.groups)[used[indices]]
    if len(indices) > MANY:
        return np.arange(len(indices))
    if cache is None:
        return _find(dataset, pretrained)
    by_position = np.sort(indices)  # the order in the file: `fit_indices` are in another once the data are divided anew
    whole = replace(dataset, train=by_position, validation=by_position[:0], normalisation=None)
    path = cache / f"look-alikes-{key_of(whole.fit_key, pretrained.file.sha256)}.json"
    stored = _read_groups(path, len(indices))
    if stored is not None:
        return stored[np.searchsorted(by_position, indices)]
    groups = _find(dataset, pretrained)
    write_json(path, groups[np.argsort(indices)].tolist())
    return groups


def look_alikes(images: Images, labels: np.ndarray, features: np.ndarray | None) -> np.ndarray:
    """Return the group of each image, numbered from 0 (n,).

    Equal pixels, and two images whose difference hashes agree in all but 8 of 256 bits, are of one group, whatever
    their classes. Images of a class with close features are, too: average linkage, up to a cosine distance of 0.25; of
    a class with more than 2,000 images only copies are found.

    Args:
        images: uint8 (n, C, H, W).
        labels: class indices (n,).
        features: of a pretrained network (n, F); None: copies only.
    """
    groups = np.zeros(len(labels), np.int64)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        groups[members] = groups.max() + 1 + _close(None if features is None else features[members], len(members))
    pairs = np.concatenate([_same_pixels(images), _same_hash(images)])
    number = int(groups.max()) + 1
    joined = coo_array((np.ones(len(pairs)), (groups[pairs[:, 0]], groups[pairs[:, 1]])), shape=(number, number))
    _, component = connected_components(joined, directed=False)
    first = np.full(component.max() + 1, number)
    np.minimum.at(first, component, np.arange(number))
    return np.unique(first[component[groups]], return_inverse=True)[1]


def regroup(dataset: Dataset, groups: np.ndarray, share: float, seed: int) -> Dataset:
    """Return the data set with train and validation divided anew so that no group is on both sides.

    Groups go to validation in random order while each of their classes has room: up to its share, and never beyond 1.3
    times that. A class that gets less than a quarter of its share that way gives its smallest further groups as long as
    half of each class is left for training; where that is too little, too, its groups are too coarse to be copies of
    one thing (all images of a digit look alike to the network), and its images are divided one by one.

    Args:
        groups: a number per image that may be learnt from, in the order of `fit_indices` (n,).
        share: of every class that is kept for validation.
    """
    indices, rng = dataset.fit_indices, np.random.default_rng(seed)
    labels, groups = dataset.labels[indices], np.unique(groups, return_inverse=True)[1]
    content = np.zeros((groups.max() + 1, len(dataset.classes)), np.int64)
    np.add.at(content, (groups, labels), 1)
    totals, taken, have = content.sum(axis=0), np.zeros(len(content), bool), np.zeros(len(dataset.classes), np.int64)

    def take(group: int, most: np.ndarray) -> None:
        nonlocal have
        if not taken[group] and np.all((have + content[group] <= most)[content[group] > 0]):
            taken[group] = True
            have = have + content[group]

    for label in range(len(dataset.classes)):
        for group in rng.permutation(np.flatnonzero(content[:, label])).tolist():
            if have[label] < share * totals[label]:
                take(group, ROOM * share * totals)
    for label in np.flatnonzero(have < LEAST * share * totals).tolist():
        of_class = np.flatnonzero(content[:, label])
        for group in of_class[np.argsort(content[of_class].sum(axis=1), kind="stable")].tolist():
            if have[label] < LEAST * share * totals[label]:
                take(group, totals / 2)
    kept = taken[groups]
    for label in np.flatnonzero(have < LEAST * share * totals).tolist():
        rest = rng.permutation(np.flatnonzero((labels == label) & ~kept))
        kept[rest[:max(1, round(share * totals[label])) - have[label]]] = True
    return replace(dataset, train=np.sort(indices[~kept]), validation=np.sort(indices[kept]))


def pooled_features(images: Images, pretrained: Pretrained) -> np.ndarray:
    """Return what the last block of the whole pretrained network says of images, averaged over places (n, F).

    Always on the processor: the split does not depend on where a run is trained.

    Args:
        images: uint8 (n, C, H, W); C: 3, or 1 for grey ones.
    """
    space = PretrainedParts(pretrained)
    chain = space.whole._replace(resolution=FEATURES_PX, head=0)
    with torch.random.fork_rng(devices=[]):  # the last layer, which is not asked, is drawn at random
        network = space.build(space.encode(chain), 2, images.shape[1], **pretrained.skeleton)
    network.head = nn.Identity()
    model = nn.Sequential(Normalise(*pretrained.source.normalisation(images.shape[1])), network).eval()
    found = []
    with torch.inference_mode():
        for start in range(0, images.shape[0], CHUNK):
            pixels = _floats(images, start).contiguous(memory_format=torch.channels_last)
            found.append(model(pixels).mean((2, 3)).numpy())
    return np.concatenate(found)


def _find(dataset: Dataset, pretrained: Pretrained) -> np.ndarray:
    """Return the look-alikes among the images that may be learnt from (n,)."""
    indices, steps = dataset.fit_indices, preprocessing((FEATURES_PX, FEATURES_PX), dataset.shape[0])
    images = dataset.refitted(steps, indices) if dataset.refitted else refit(dataset.images[indices], steps)
    return look_alikes(images, dataset.labels[indices], pooled_features(images, pretrained))


def _read_groups(path: Path, count: int) -> np.ndarray | None:
    """Return the groups in a file (count,); None: it is missing or damaged."""
    try:
        found = read_json(path)
    except (OSError, UserError):
        return None
    sound = isinstance(found, list) and len(found) == count and all(type(n) is int and 0 <= n < count for n in found)
    return np.array(found, np.int64) if sound else None


def _close(features: np.ndarray | None, count: int) -> np.ndarray:
    """Return the group of each of the images of a class (count,)."""
    if features is None or not 1 < count <= CLASS:
        return np.arange(count)
    tree = AgglomerativeClustering(None, metric="cosine", linkage="average", distance_threshold=LIKE)
    return np.asarray(tree.fit_predict(features))


def _same_pixels(images: Images) -> np.ndarray:
    """Return pairs (m, 2) of images that are equal, each with the first of its kind."""
    seen: dict[bytes, int] = {}
    pairs = []
    for start in range(0, images.shape[0], CHUNK):
        for number, image in enumerate(images[start:start + CHUNK], start):
            pairs.append((seen.setdefault(hashlib.sha256(image.tobytes()).digest(), number), number))
    return np.array(pairs, np.int64).reshape(-1, 2)


def _same_hash(images: Images) -> np.ndarray:
    """Return pairs (m, 2) of images whose difference hashes agree."""
    signs = np.concatenate([difference_hash(_floats(images, start)) for start in range(0, images.shape[0], CHUNK)])
    textured = np.flatnonzero(((signs > 0).sum(axis=1) >= TEXTURE) & ((signs < 0).sum(axis=1) >= TEXTURE))
    signs = signs[textured]
    found = [np.argwhere(signs[start:] @ signs[start:start + CHUNK].T >= signs.shape[1] - 2 * BITS) + start
             for start in range(0, len(signs), CHUNK)]
    return textured[np.concatenate(found)] if found else np.zeros((0, 2), np.int64)


def _floats(images: Images, start: int) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(images[start:start + CHUNK])).float() / 255
