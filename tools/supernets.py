"""Supernets of NAS-Bench-201 on one's own images: of finished searches, and what networks are worth with their weights.
"""

from __future__ import annotations

from pathlib import Path

import torch

from dcanas.basics.mapping import from_mapping
from dcanas.costs import Budget
from dcanas.pipeline.settings import Settings, stored_settings
from dcanas.search.gradient.bilevel import BilevelTrainer
from dcanas.spaces import Architecture, load_space
from dcanas.training import load_data
from dcanas.training.ranks import ALONE

BATCH = 250


class TrainedSupernet:
    """The supernet of a finished search by gradient.

    Args:
        run: the run's folder.
        images: so many validation images, which neither weights nor alphas have seen, judge the networks.
    """

    def __init__(self, run: Path, images: int):
        settings: Settings = from_mapping(Settings, stored_settings(run))
        self.space, self.dataset = load_space(settings.space.name), load_data(settings.data)
        self.trainer = BilevelTrainer(self.space, self.dataset, Budget(), [], settings.search, settings.seed,
                                      settings.space.search_skeleton, torch.device("cpu"), ALONE)
        self.trainer.begin_from(run / "search")
        self.chosen = self.dataset.validation[:images]

    def accuracy(self, arch: Architecture) -> float:
        """Return a network's accuracy with inherited weights, batch norm by the batch, from 0 to 1."""
        images = self.trainer.normalised(torch.from_numpy(self.dataset.images[self.chosen]).float() / 255)
        images = images.contiguous(memory_format=torch.channels_last)
        with torch.no_grad():
            logits = torch.cat([self.trainer.supernet.forward_member(part, arch) for part in images.split(BATCH)])
        return float((logits.argmax(1) == torch.from_numpy(self.dataset.labels[self.chosen])).float().mean())
