"""Accuracy and loss of an elastic supernet's members with the weights that they inherit."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import torch

from dcanas.basics.keys import derive_seed
from dcanas.export.classifier import Classifier, Normalise
from dcanas.search.validation import validate
from dcanas.spaces import Architecture
from dcanas.supernet import ElasticSupernet
from dcanas.supernet.elastic import recalibrate
from dcanas.training import Dataset

BATCH = 128


def inherited_accuracy(supernet: ElasticSupernet, dataset: Dataset, images: int, seed: int,
                       device: str | torch.device = "cpu") -> Callable[[Architecture], dict[str, Any]]:
    """Return a function that evaluates a member on the validation split after recalibrating its batch norms.

    Args:
        supernet: a trained one.
        images: number of training images for the recalibration, drawn by `seed`; the same for all members. They are
            not augmented, and of each member's own size.

    Returns:
        A function from a member to its validation_accuracy (0 to 1) and validation_loss.
    """
    generator = torch.Generator().manual_seed(derive_seed(seed, "recalibration"))
    chosen = torch.randperm(len(dataset.train), generator=generator)[:images].numpy()
    normalise = Normalise(*dataset.moments)

    @cache
    def batches(size: tuple[int, int]) -> list[torch.Tensor]:
        pixels = torch.from_numpy(dataset.at(size).images[dataset.train[chosen]]).float() / 255
        return [normalise(batch).to(device).contiguous(memory_format=torch.channels_last)
                for batch in torch.split(pixels, BATCH) if len(batch) > 1]

    def examine(arch: Architecture) -> dict[str, Any]:
        size = supernet.space.input_shape(arch, dataset.shape, **supernet.skeleton)[1:]
        network = supernet.member_network(arch).to(memory_format=torch.channels_last)
        recalibrate(network, batches(size))
        return validate(Classifier(normalise, network), dataset.at(size), device)

    return examine
