"""The one training loop: every step is a function of (network, data, recipe, seed, step)."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from dcanas.basics.checkpoints import kept_checkpoint
from dcanas.basics.errors import Stopped, UserError
from dcanas.basics.hooks import QUIET, Hooks
from dcanas.basics.keys import derive_seed, key_of
from dcanas.basics.layout import to_channels_last
from dcanas.basics.machine import keep_freed_memory, return_freed_memory, seed_torch
from dcanas.training.adversarial import OverfitMonitor, TrainingAttack
from dcanas.training.augment import make_augment
from dcanas.training.data import Dataset
from dcanas.training.objective import Objective, mix
from dcanas.training.precision import autocast, compile_advice
from dcanas.training.ranks import ALONE, Ranks
from dcanas.training.recipe import Recipe
from dcanas.training.start import freeze, freeze_running_stats, set_drop_path
from dcanas.training.state import TrainingState

SAVE_SECONDS = 60.0  # a checkpoint is at most this old, and at most one epoch


def train(network: nn.Module, dataset: Dataset, indices: np.ndarray, recipe: Recipe, seed: int, *,
          folder: Path | None = None, hooks: Hooks = QUIET, device: str | torch.device = "cpu", ranks: Ranks = ALONE,
          attack: TrainingAttack | None = None, until: int | None = None,
          begun: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    """Train a network in place on `dataset.images[indices]`.

    Args:
        network: takes floats (N, C, H, W) in [0, 1] and returns logits (N, classes), or (logits, auxiliary logits) in
            training mode. Training starts from its weights, or from those of `recipe.init`, and ends with the averages
            of the weights if `recipe.ema` is set.
        indices: numbers of the training images (n,).
        folder: of the checkpoints, from which an interrupted training continues to the same result; None: none.
        hooks: receive every step and the row of every epoch; asked after every step whether to stop.
        ranks: this process's place if several train the same network: every batch is divided among them, all of them
            read the folder, and the first writes it.
        attack: attacks every batch after its augmentation, see `OverfitMonitor`; None if `recipe.adversarial` asks for
            no attack.
        until: number of epochs of the recipe's schedule after which to stop for now; a later call with a larger number
            goes on from the checkpoint in `folder` as if there had been no stop. None: all.
        begun: a checkpoint of the first epochs of the same schedule on fewer images, from which this training goes on
            unless it has a checkpoint of its own; None: it starts with the first epoch.

    Returns:
        One row per epoch so far: epoch, step, loss, accuracy (0 to 1, on augmented images) and learning_rate.

    Raises `UserError` if the loss is not finite, memory runs out, the checkpoints belong to other settings, the
    attack is missing or not asked for, `until` has no folder or lies outside of what is left of
    the schedule, or the recipe requires something that the network, data set or machine lacks;
    `Stopped` if the hooks asked to stop.
    """
    if (attack is None) != (recipe.adversarial.attack == "none"):
        raise UserError(f"train.adversarial.attack={recipe.adversarial.attack}, but train() was given "
                        f"{'no' if attack is None else 'an'} attack: pass "
                        "attack=dcanas.search.adversarial.adversarial_attack(recipe).")
    if until is not None:
        _check_until(until, recipe, folder)
    device = torch.device(device)
    keep_freed_memory()  # for new pages a step on a CPU takes an eighth longer
    network.to(device)
    if recipe.channels_last:
        to_channels_last(network)  # a quarter faster on a CPU
    ranks.check(recipe.batch_size)
    batch_loss = _BatchLoss(dataset, indices, recipe, seed, device, ranks)
    key = key_of(recipe, recipe.files(), seed, dataset.fit_key, indices.tolist(),
                 [[name, list(value.shape)] for name, value in network.state_dict().items()],
                 *([] if begun is None else [begun["key"]]))
    monitor = None if attack is None else OverfitMonitor(attack, dataset, indices, seed, device)
    if recipe.freeze:
        freeze(network, recipe.freeze)
    bounds = batch_bounds(len(indices), recipe.batch_size, 2 * ranks.count)
    state = TrainingState(network, recipe, key, folder, monitor, begun, len(bounds))
    forward = ranks.share(network, device)
    if recipe.compile:
        forward = torch.compile(forward)  # type: ignore[assignment]
    steps = (until or recipe.epochs) * len(bounds)
    if state.step > steps:
        raise UserError(f"The checkpoints in {folder} are {state.step / len(bounds):.3g} epochs old, more than "
                        f"until={until}; ask for as many epochs or more.")
    order, ordered = indices, -1
    saved = time.monotonic()
    network.train()
    if recipe.freeze:
        freeze_running_stats(network)
    while state.step < steps:
        epoch, position = divmod(state.step, len(bounds))
        if ordered != epoch:
            order = np.random.default_rng(derive_seed(seed, "order", epoch)).permutation(indices)
            ordered = epoch
            if recipe.drop_path:
                set_drop_path(network, recipe.drop_path * epoch / recipe.epochs)
        whole = order[slice(*bounds[position])]
        # For networks that draw (dropout, drop path); every further rank draws its own.
        seed_torch(derive_seed(seed, "network", state.step, *([ranks.rank] if ranks.rank else [])))
        rate = recipe.rate(state.step, len(bounds))
        with _memory_advice(recipe), compile_advice(recipe.compile, "train.compile"):
            loss, logits, labels = batch_loss(network, forward, monitor, whole, state.step)
            own, norm, own_right = state.descend(loss, logits, labels, rate)
        value, right = ranks.total(own / ranks.count, own_right)
        if not math.isfinite(value + norm):
            raise UserError(f"The training loss became {value:g} (gradient {norm:g}) at step {state.step + 1} of "
                            f"{steps}, epoch {epoch + 1}; {_cause(state.step, recipe)}{kept_checkpoint(folder)}")
        row = state.count(value, int(right), len(whole), rate, last=position + 1 == len(bounds))
        if row and monitor:
            state.end_epoch(monitor, ranks.any(monitor.fired(network)))
        hooks.progress(state.step, steps, f"epoch {epoch + 1}, loss {value:.3f}")
        if row:
            hooks.epoch(state.step, row)
        stop = state.step < steps and ranks.any(hooks.should_stop())
        if folder is not None and not ranks.rank and (row or stop or time.monotonic() - saved > SAVE_SECONDS):
            state.save(folder)
            saved = time.monotonic()
        if stop:
            raise Stopped(f"stopped after step {state.step} of {steps}")
    if state.average:
        state.average.deliver(network)
    return_freed_memory()
    return state.history


class _BatchLoss:
    """The loss of this process's part of a batch, augmented, attacked and mixed as the recipe says."""

    def __init__(self, dataset: Dataset, indices: np.ndarray, recipe: Recipe, seed: int, device: torch.device,
                 ranks: Ranks):
        self.dataset, self.recipe, self.seed, self.device, self.ranks = dataset, recipe, seed, device, ranks
        self.precision = autocast(device, recipe.amp, "train.amp")
        self.objective = Objective(recipe, dataset, indices, device)
        self.augment = make_augment(dataset, recipe)
        self.layout = torch.channels_last if recipe.channels_last else torch.contiguous_format

    def __call__(self, network: nn.Module, forward: nn.Module, monitor: OverfitMonitor | None, whole: np.ndarray,
                 step: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return (loss, logits, labels) of a step; whole: indices of all images of the batch."""
        start, stop = self.ranks.part(len(whole))
        batch = whole[start:stop]
        images = torch.from_numpy(self.dataset.images[batch]).to(self.device)
        images = self.augment(images, derive_seed(self.seed, "augment", step), start, len(whole))
        labels = torch.from_numpy(self.dataset.labels[batch]).to(self.device)
        if monitor:
            images = monitor.batch(network, images, labels, step, start)
        mixed = None
        if self.recipe.mixup:
            images, mixed = mix(images, labels, self.recipe.mixup, derive_seed(self.seed, "mixup", step), start)
        images = images.contiguous(memory_format=self.layout)
        shares = (1.0, 1.0)
        if self.ranks.count > 1:
            shares = self.objective.shares(labels, self.dataset.labels[whole], self.ranks.count)
        with self.precision():
            logits, loss = self.objective(forward(images), images, labels, mixed, shares)
        return loss, logits, labels


def batch_bounds(count: int, batch_size: int, least: int = 2) -> list[tuple[int, int]]:
    """Return the (start, stop) of an epoch's batches.

    Args:
        count: images in an epoch.
        least: if fewer images than this are left over, they join the batch before them: batch norm has no statistics
            of a single image.
    """
    bounds = [(start, min(start + batch_size, count)) for start in range(0, count, batch_size)]
    if len(bounds) > 1 and bounds[-1][1] - bounds[-1][0] < least:
        bounds[-2:] = [(bounds[-2][0], count)]
    return bounds


def _check_until(until: int, recipe: Recipe, folder: Path | None) -> None:
    if not 1 <= until <= recipe.epochs:
        raise UserError(f"until must be a number of epochs from 1 to train.epochs={recipe.epochs}, got {until}.")
    if folder is None:
        raise UserError(f"train(..., until={until}) needs a folder, from whose checkpoint it can go on; pass "
                        "folder=.")


@contextmanager
def _memory_advice(recipe: Recipe) -> Iterator[None]:
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        kinds = (MemoryError, torch.OutOfMemoryError)
        if not isinstance(error, kinds) and "allocate memory" not in str(error):
            raise
        raise UserError(f"Memory ran out in a training step with train.batch_size={recipe.batch_size}; lower "
                        "train.batch_size, data.size or the network's channels.") from error


def _cause(step: int, recipe: Recipe) -> str:
    """Return in words why a loss is not finite: before the first step, no learning rate has changed anything."""
    if step:
        return f"train.learning_rate={recipe.learning_rate:g} may be too high: lower it."
    given = [name for name, path in (("train.init", recipe.init), ("the teacher", recipe.distillation.teacher)) if path]
    whose = f"{' or '.join(given)}: give other weights." if given else "the first weights: choose another seed."
    return f"nothing was learnt yet, so it comes from {whose}"
