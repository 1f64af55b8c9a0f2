"""What an elastic supernet's members are worth with the weights they inherit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F

from dcanas.basics.keys import derive_seed
from dcanas.export.classifier import Classifier, Normalise
from dcanas.spaces import Architecture
from dcanas.supernet import ElasticSupernet
from dcanas.supernet.elastic import recalibrate
from dcanas.training import Dataset, predict

BATCH = 128


def inherited_accuracy(supernet: ElasticSupernet, dataset: Dataset, images: int, seed: int,
                       device: str | torch.device = "cpu") -> Callable[[Architecture], dict[str, Any]]:
    """Return a function that measures a member on the validation split after recalibrating its batch norms.

    Args:
        images: number of training images that recalibrate, the same for all members, drawn by `seed`.

    The function returns validation_accuracy (0 to 1) and validation_loss.
    """
    generator = torch.Generator().manual_seed(derive_seed(seed, "recalibration"))
    chosen = torch.randperm(len(dataset.train), generator=generator)[:images].numpy()
    pixels = torch.from_numpy(dataset.images[dataset.train[chosen]]).float() / 255
    normalise = Normalise(dataset.mean, dataset.std)
    batches = [normalise(batch).to(device).contiguous(memory_format=torch.channels_last)
               for batch in pixels.split(BATCH) if len(batch) > 1]
    labels = torch.from_numpy(dataset.labels[dataset.validation])

    def examine(arch: Architecture) -> dict[str, Any]:
        network = supernet.member_network(arch).to(memory_format=torch.channels_last)
        recalibrate(network, batches)
        logits = torch.from_numpy(predict(Classifier(normalise, network), dataset, dataset.validation, device=device))
        return {"validation_accuracy": float((logits.argmax(1) == labels).float().mean()),
                "validation_loss": float(F.cross_entropy(logits, labels))}

    return examine
