"""Training of an elastic supernet: the sandwich rule with in-place distillation.

Every step runs the largest member, the smallest and a few at random on one batch and adds up their gradients (Yu &
Huang, US-Nets, ICCV 2019; Yu et al., BigNAS, ECCV 2020): the largest learns from the labels, the others from its
outputs. Training ignores the limits, so that one supernet serves every device and budget.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dcanas.basics.checkpoints import load_checkpoint, save_checkpoint
from dcanas.basics.errors import Stopped, UserError
from dcanas.basics.hooks import QUIET, Hooks
from dcanas.basics.keys import derive_seed, key_of
from dcanas.basics.layout import to_channels_last
from dcanas.export.classifier import Normalise
from dcanas.search.elastic.elastic_settings import ElasticSettings
from dcanas.spaces import Architecture, Space
from dcanas.supernet import ElasticSupernet
from dcanas.training import Dataset, Recipe, batch_bounds, make_augment


def make_supernet(space: Space, dataset: Dataset, seed: int, skeleton: dict[str, Any],
                  device: str | torch.device = "cpu") -> ElasticSupernet:
    """Return the supernet of a space with initial weights drawn by the seed.

    Raises:
        UserError: the space has no elastic supernet.
    """
    torch.manual_seed(derive_seed(seed, "supernet"))
    supernet = ElasticSupernet(space, len(dataset.classes), dataset.shape[0], **skeleton)
    return to_channels_last(supernet.to(device))


def train_supernet(space: Space, dataset: Dataset, settings: ElasticSettings, recipe: Recipe, seed: int, *,
                   folder: Path | None = None, skeleton: dict[str, Any] | None = None,
                   device: str | torch.device = "cpu",
                   hooks: Hooks = QUIET) -> tuple[ElasticSupernet, list[dict[str, Any]]]:
    """Train the supernet of a bounded space on the training split.

    Args:
        recipe: only its augmentation and label smoothing are used.
        folder: of the checkpoints, from which an interrupted training continues to the same result; None: none.
        skeleton: of the final network.
        hooks: receive every step and the row of every epoch; asked after every step whether to stop.

    Returns:
        The supernet, and per epoch a row: epoch, step, largest_loss and largest_accuracy (of the largest member).

    Raises:
        UserError: the loss is not finite, or the checkpoints belong to another search.
        Stopped: the hooks asked to stop.
    """
    device = torch.device(device)
    run = _Run(make_supernet(space, dataset, seed, skeleton or {}, device), dataset, settings, recipe, device)
    run.key = key_of(settings, recipe, seed, dataset.fit_key, skeleton,
                     [list(p.shape) for p in run.supernet.parameters()],
                     [space.format(a) for a in (run.supernet.largest_member, run.supernet.smallest_member)])
    if folder is not None:
        run.resume(folder)
    augment = make_augment(dataset, recipe)
    bounds = batch_bounds(len(dataset.train), settings.batch_size)
    steps = settings.epochs * len(bounds)
    schedule = Recipe(epochs=settings.epochs, learning_rate=settings.learning_rate,
                      warmup_epochs=settings.warmup_epochs)
    order, ordered = dataset.train, -1
    while run.step < steps:
        epoch, position = divmod(run.step, len(bounds))
        if ordered != epoch:
            order = np.random.default_rng(derive_seed(seed, "order", epoch)).permutation(dataset.train)
            ordered = epoch
        batch = order[slice(*bounds[position])]
        images = augment(torch.from_numpy(dataset.images[batch]).to(device), derive_seed(seed, "augment", run.step))
        rng = np.random.default_rng(derive_seed(seed, "members", run.step))
        members = [run.supernet.smallest_member, *(space.sample(rng) for _ in range(settings.random_members))]
        torch.manual_seed(derive_seed(seed, "network", run.step))  # dropout
        loss, right = run.sandwich(images.contiguous(memory_format=torch.channels_last),
                                   torch.from_numpy(dataset.labels[batch]).to(device), members,
                                   schedule.rate(run.step, len(bounds)))
        if not math.isfinite(loss):
            raise UserError(f"The supernet's loss became {loss} at step {run.step + 1} of {steps}; most likely "
                            f"search.learning_rate={settings.learning_rate:g} is too high.")
        run.step += 1
        row = run.count(loss, right, len(batch), position + 1 == len(bounds))
        hooks.progress(run.step, steps, f"epoch {epoch + 1}, loss {loss:.3f}")
        if row:
            hooks.epoch(run.step, row)
        stop = run.step < steps and hooks.should_stop()
        if folder is not None and (row or stop):
            run.save(folder)
        if stop:
            raise Stopped(f"stopped after step {run.step} of {steps}")
    return run.supernet, run.history


class _Run:
    """Supernet and optimiser: all that a checkpoint holds."""

    def __init__(self, supernet: ElasticSupernet, dataset: Dataset, settings: ElasticSettings, recipe: Recipe,
                 device: torch.device):
        self.supernet, self.settings, self.recipe = supernet.train(), settings, recipe
        self.normalised = Normalise(*dataset.moments).to(device)
        parameters = list(supernet.parameters())
        self.optimiser = torch.optim.SGD(
            [{"params": [p for p in parameters if p.ndim > 1], "weight_decay": settings.weight_decay},
             {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0}],
            lr=settings.learning_rate, momentum=settings.momentum)
        self.key = ""
        self.step = 0
        self.history: list[dict[str, Any]] = []
        self.running = [0.0, 0, 0]  # sums: loss of the largest, images it got right, images seen

    def sandwich(self, images: Tensor, labels: Tensor, members: list[Architecture], rate: float) -> tuple[float, int]:
        """Step along the summed gradients of the largest member and `members`; return the largest's loss and hits."""
        images = self.normalised(images)
        self.optimiser.zero_grad()
        logits = self.supernet(images, self.supernet.largest_member)
        loss = F.cross_entropy(logits, labels, label_smoothing=self.recipe.label_smoothing)
        torch.autograd.backward(loss)
        answers = logits.detach().softmax(1)
        for member in members:
            torch.autograd.backward(F.cross_entropy(self.supernet(images, member), answers))
        norm = nn.utils.clip_grad_norm_(self.supernet.parameters(), self.settings.clip_norm or math.inf)
        value = loss.item() + 0 * norm.item()  # not finite if the gradients are not
        if math.isfinite(value):
            for group in self.optimiser.param_groups:
                group["lr"] = rate
            self.optimiser.step()
        return value, int((logits.argmax(1) == labels).sum())

    def count(self, loss: float, right: int, seen: int, last: bool) -> dict[str, Any] | None:
        """Add a step to the epoch's sums; after the last one return the epoch's row."""
        total, correct, images = self.running
        self.running = [total + loss * seen, correct + right, images + seen]
        if not last:
            return None
        total, correct, images = self.running
        self.history.append({"epoch": len(self.history) + 1, "step": self.step, "largest_loss": total / images,
                             "largest_accuracy": correct / images})
        self.running = [0.0, 0, 0]
        return self.history[-1]

    def save(self, folder: Path) -> None:
        save_checkpoint(folder, self.step, {
            "key": self.key, "supernet": self.supernet.state_dict(), "optimiser": self.optimiser.state_dict(),
            "history": self.history, "running": self.running})

    def resume(self, folder: Path) -> None:
        found = load_checkpoint(folder, self.key)
        if found is None:
            return
        step, state = found
        self.step, self.history, self.running = step, state["history"], state["running"]
        self.supernet.load_state_dict(state["supernet"])
        self.optimiser.load_state_dict(state["optimiser"])
