"""Training of an elastic supernet: the sandwich rule with in-place distillation.

Every step runs the largest member, the smallest and a few at random on one batch and adds up their gradients (Yu &
Huang, US-Nets, ICCV 2019; Yu et al., BigNAS, ECCV 2020): the largest learns from the labels, the others from its
outputs. Which members those are, and on images of which size, is a `Lesson`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from dcanas.basics.checkpoints import load_checkpoint, save_checkpoint
from dcanas.basics.errors import Stopped, UserError
from dcanas.basics.hooks import QUIET, Hooks
from dcanas.basics.keys import derive_seed, key_of
from dcanas.basics.layout import to_channels_last
from dcanas.basics.machine import seed_torch
from dcanas.export.classifier import Normalise
from dcanas.search.elastic.elastic_settings import ElasticSettings
from dcanas.spaces import Architecture, Space
from dcanas.supernet import ElasticSupernet
from dcanas.training import Dataset, Recipe, batch_bounds, make_augment
from dcanas.training.recipe_parts import Schedule
from dcanas.training.state import make_optimiser


class Lesson(NamedTuple):
    """What a step trains.

    Attributes:
        images: the data set at the size of these members.
        largest: learns from the labels; `others`: learn from its outputs.
    """

    images: Dataset
    largest: Architecture
    others: Sequence[Architecture]


Draw = Callable[[int, np.random.Generator], Lesson]  # epoch (from 0) and the step's own generator -> what it trains


def make_supernet(space: Space, dataset: Dataset, seed: int, skeleton: dict[str, Any],
                  device: str | torch.device = "cpu") -> ElasticSupernet:
    """Return the supernet of a space with initial weights drawn by the seed.

    Raises:
        UserError: the space has no elastic supernet.
    """
    torch.manual_seed(derive_seed(seed, "supernet"))
    supernet = ElasticSupernet(space, len(dataset.classes), dataset.shape[0], **skeleton)
    return to_channels_last(supernet.to(device))


def supernet_recipe(settings: ElasticSettings, recipe: Recipe) -> Recipe:
    """Return how a supernet that starts at random is trained: by its settings, augmented as `recipe` says."""
    return replace(recipe, epochs=settings.epochs, batch_size=settings.batch_size, optimiser="sgd",
                   learning_rate=settings.learning_rate, last_layer_rate=1.0, schedule=Schedule(),
                   momentum=settings.momentum, nesterov=False, weight_decay=settings.weight_decay, decay_all=False,
                   warmup_epochs=settings.warmup_epochs, clip_norm=settings.clip_norm)


def whole_space(supernet: ElasticSupernet, dataset: Dataset, members: int) -> Draw:
    """Return lessons at the data set's own size: the largest, the smallest and `members` at random of all."""
    def draw(epoch: int, rng: np.random.Generator) -> Lesson:
        others = [supernet.smallest_member, *(supernet.space.sample(rng) for _ in range(members))]
        return Lesson(dataset, supernet.largest_member, others)
    return draw


def train_supernet(supernet: ElasticSupernet, dataset: Dataset, recipe: Recipe, draw: Draw, seed: int, *,
                   key: Any = None, folder: Path | None = None, device: str | torch.device = "cpu",
                   hooks: Hooks = QUIET, rate_setting: str = "search.learning_rate") -> list[dict[str, Any]]:
    """Train a supernet in place on the training split.

    Args:
        recipe: optimiser, schedule, augmentation, label smoothing and clipping; nothing else of it is used.
        draw: returns what a step trains.
        key: everything that `draw` depends on, as JSON types.
        folder: of the checkpoints, from which an interrupted training continues to the same result; None: none.
        hooks: receive every step and the row of every epoch; asked after every step whether to stop.
        rate_setting: where the recipe's learning rate is stated, for the message.

    Returns:
        Per epoch a row: epoch, step, largest_loss and largest_accuracy (of the largest members).

    Raises:
        UserError: the loss is not finite, or the checkpoints belong to another search.
        Stopped: the hooks asked to stop.
    """
    device = torch.device(device)
    space = supernet.space
    run = _Run(supernet, dataset, recipe, device)
    run.key = key_of(key, recipe, seed, dataset.fit_key, [list(p.shape) for p in supernet.parameters()],
                     [space.format(a) for a in (supernet.largest_member, supernet.smallest_member)])
    if folder is not None:
        run.resume(folder)
    bounds = batch_bounds(len(dataset.train), recipe.batch_size)
    steps = recipe.epochs * len(bounds)
    order, ordered = dataset.train, -1
    while run.step < steps:
        epoch, position = divmod(run.step, len(bounds))
        if ordered != epoch:
            order = np.random.default_rng(derive_seed(seed, "order", epoch)).permutation(dataset.train)
            ordered = epoch
        batch = order[slice(*bounds[position])]
        lesson = draw(epoch, np.random.default_rng(derive_seed(seed, "members", run.step)))
        seed_torch(derive_seed(seed, "network", run.step))  # dropout
        loss, right = run.sandwich(lesson, batch, derive_seed(seed, "augment", run.step),
                                   recipe.rate(run.step, len(bounds)))
        if not math.isfinite(loss):
            raise UserError(f"The supernet's loss became {loss} at step {run.step + 1} of {steps}; most likely "
                            f"its learning rate {recipe.learning_rate:g} is too high: lower {rate_setting}.")
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
    return run.history


class _Run:
    """Supernet and optimiser: all that a checkpoint holds."""

    def __init__(self, supernet: ElasticSupernet, dataset: Dataset, recipe: Recipe, device: torch.device):
        self.supernet, self.recipe, self.device = supernet.train(), recipe, device
        self.normalised = Normalise(*dataset.moments).to(device)
        self.optimiser = make_optimiser(supernet, recipe)
        self.key = ""
        self.step = 0
        self.history: list[dict[str, Any]] = []
        self.running = [0.0, 0, 0]  # sums: loss of the largest, images it got right, images seen

    def sandwich(self, lesson: Lesson, batch: np.ndarray, seed: int, rate: float) -> tuple[float, int]:
        """Step along the summed gradients of a lesson's members; return the largest's loss and hits.

        Args:
            batch: numbers of the images.
            seed: of their augmentation.
        """
        augment = make_augment(lesson.images, self.recipe)
        images = augment(torch.from_numpy(lesson.images.images[batch]).to(self.device), seed)
        images = self.normalised(images.contiguous(memory_format=torch.channels_last))
        labels = torch.from_numpy(lesson.images.labels[batch]).to(self.device)
        self.optimiser.zero_grad()
        logits = self.supernet(images, lesson.largest)
        loss = F.cross_entropy(logits, labels, label_smoothing=self.recipe.label_smoothing)
        torch.autograd.backward(loss)
        answers = logits.detach().softmax(1)
        for member in lesson.others:
            torch.autograd.backward(F.cross_entropy(self.supernet(images, member), answers))
        norm = nn.utils.clip_grad_norm_(self.supernet.parameters(), self.recipe.clip_norm or math.inf)
        value = loss.item() + 0 * norm.item()  # not finite if the gradients are not
        if math.isfinite(value):
            for group in self.optimiser.param_groups:
                group["lr"] = rate * group["relative_rate"]
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
