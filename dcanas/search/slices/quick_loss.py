"""The loss of slices by batch statistics: quick, for comparisons of slices that differ in little."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from dcanas.basics.keys import derive_seed
from dcanas.export.classifier import Normalise
from dcanas.search.slices.frames import Frame
from dcanas.search.slices.lessons import images_of
from dcanas.search.task import SearchTask
from dcanas.spaces import Architecture
from dcanas.supernet import ElasticSupernet

IMAGES = 512  # at most, of the validation split
BATCH = 128


class QuickLoss:
    """The mean cross entropy of slices of one frame, on the same validation images for all."""

    def __init__(self, supernet: ElasticSupernet, frame: Frame, task: SearchTask):
        self.supernet, dataset = supernet.eval(), images_of(frame, task)
        rng = np.random.default_rng(derive_seed(task.seed, "quick loss"))
        chosen = rng.permutation(dataset.validation)[:IMAGES]
        normalise = Normalise(*dataset.moments)
        parts = np.array_split(chosen, -(-len(chosen) // BATCH))
        pixels = [normalise(torch.from_numpy(dataset.images[part]).float() / 255).to(task.device) for part in parts]
        labels = [torch.from_numpy(dataset.labels[part]).to(task.device) for part in parts]
        self.batches = [(images.contiguous(memory_format=torch.channels_last), known)
                        for images, known in zip(pixels, labels, strict=True)]
        self.images = len(chosen)

    def __call__(self, arch: Architecture) -> float:
        """Return the loss of a slice."""
        with torch.inference_mode():
            losses = [F.cross_entropy(self.supernet(images, arch), labels, reduction="sum")
                      for images, labels in self.batches]
        return float(torch.stack(losses).sum()) / self.images
