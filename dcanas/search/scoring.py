"""On which images the networks of a search are scored."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dcanas.basics.errors import UserError
from dcanas.basics.keys import derive_seed
from dcanas.pretrained import PretrainedParts
from dcanas.proxies.table import Scoring
from dcanas.search.task import SearchTask
from dcanas.spaces import Space


def check_scored(space: Space) -> None:
    """Raise `UserError` for parts of a pretrained network, of which training-free scores say nothing."""
    if isinstance(space, PretrainedParts):
        raise UserError("Training-free scores judge networks from random weights on images of one size; use "
                        "search=halving for parts of a pretrained network, or pretrained=none.")


def make_scoring(task: SearchTask, names: Sequence[str], batch_size: int) -> Scoring:
    """Return how final networks are scored by the proxies in `names`.

    The images are drawn from the training split by the seed and normalised as in the delivered network.

    Raises:
        UserError: the training split has fewer than `batch_size` images.
    """
    dataset = task.dataset
    check_scored(task.space)
    if batch_size > len(dataset.train):
        raise UserError(f"The training split has {len(dataset.train)} images, fewer than the batch of {batch_size}; "
                        "take a smaller batch_size.")
    rng = np.random.default_rng(derive_seed(task.seed, "score", "images"))
    chosen = np.sort(rng.choice(dataset.train, batch_size, replace=False))
    mean, std = (np.reshape(values, (1, -1, 1, 1)) for values in dataset.moments)
    batch = (dataset.images[chosen] / 255 - mean) / std
    return Scoring(task.space.name, tuple(names), batch.astype(np.float32), dataset.labels[chosen].astype(np.int64),
                   len(dataset.classes), task.seed, dict(task.skeleton), task.device.type)
