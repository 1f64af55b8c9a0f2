"""The one training loop: every step is a function of (network, data, recipe, seed, step)."""

from __future__ import annotations

import copy
import math
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from dcanas.basics.checkpoints import Stopped, load_checkpoint, save_checkpoint
from dcanas.basics.errors import UserError
from dcanas.basics.keys import derive_seed, key_of
from dcanas.basics.layout import to_channels_last
from dcanas.training.adversarial import Harden, OverfitMonitor
from dcanas.training.augment import make_augment
from dcanas.training.average import Average
from dcanas.training.data import Dataset
from dcanas.training.objective import Objective, mix
from dcanas.training.precision import autocast, compile_advice
from dcanas.training.ranks import ALONE, Ranks
from dcanas.training.recipe import Recipe
from dcanas.training.start import freeze, hold, set_drop_path, start_from

SAVE_SECONDS = 60.0  # a checkpoint is at most this old, and at most one epoch


@dataclass(frozen=True)
class Progress:
    """State after a step. `row` is the epoch's line of the history, after its last step only."""

    step: int
    steps: int
    epoch: int
    loss: float
    learning_rate: float
    row: dict[str, Any] | None = None


def train(network: nn.Module, dataset: Dataset, indices: np.ndarray, recipe: Recipe, seed: int,
          folder: Path | None = None, on_step: Callable[[Progress], None] = lambda progress: None,
          should_stop: Callable[[], bool] = lambda: False, device: str | torch.device = "cpu", ranks: Ranks = ALONE,
          harden: Harden | None = None) -> list[dict[str, Any]]:
    """Train `network` in place on `dataset.images[indices]`; return a row per epoch (loss, accuracy, rate).

    network: takes floats (N, C, H, W) in [0, 1] and returns logits, or (logits, auxiliary logits) in training mode;
        its weights are the starting point, or those of `recipe.init`. With `recipe.ema` it ends with the averages.
    folder: holds the checkpoints, from which a training that was cut off goes on to the same result; or None.
    should_stop: asked after every step; then the step is saved and `Stopped` raised.
    ranks: of this process, where several train the same network: every batch is divided among them, all of them
        read the folder, and the first writes it.
    harden: attacks every batch after its augmentation, where `recipe.adversarial` asks for that (see `OverfitMonitor`).
    Raises `UserError` where the loss is no number, memory runs out, checkpoints belong to other settings, or the
    recipe asks for what network, data or machine have not.
    """
    device = torch.device(device)
    layout = torch.channels_last if recipe.channels_last else torch.contiguous_format
    network.to(device)
    if recipe.channels_last:
        to_channels_last(network)  # a quarter faster on a CPU
    ranks.check(recipe.batch_size)
    key = key_of(recipe, recipe.files(), seed, dataset.fit_key, indices.tolist(), _shapes(network))
    precision = autocast(device, recipe.amp, "train.amp")
    objective = Objective(recipe, dataset, indices, device)
    augment = make_augment(dataset, recipe)
    freeze(network, recipe.freeze)
    guard = OverfitMonitor(harden, recipe, dataset, indices, seed, device)
    run = _Run(network, recipe, key, folder, guard)
    forward = ranks.share(network, device)
    if recipe.compile:
        forward = torch.compile(forward)  # type: ignore[assignment]
    bounds = batch_bounds(len(indices), recipe.batch_size, 2 * ranks.count)
    steps = recipe.epochs * len(bounds)
    order, ordered = indices, -1
    saved = time.monotonic()
    network.train()
    hold(network)
    while run.step < steps:
        epoch, position = divmod(run.step, len(bounds))
        if ordered != epoch:
            order = np.random.default_rng(derive_seed(seed, "order", epoch)).permutation(indices)
            ordered = epoch
            set_drop_path(network, recipe.drop_path * epoch / recipe.epochs)
        whole = order[slice(*bounds[position])]
        start, stop_at = ranks.part(len(whole))
        batch = whole[start:stop_at]
        # For networks that draw (dropout, drop path); every further rank draws its own.
        torch.manual_seed(derive_seed(seed, "network", run.step, *([ranks.rank] if ranks.rank else [])))
        rate = recipe.rate(run.step, len(bounds))
        with _memory_advice(recipe), compile_advice(recipe.compile, "train.compile"):
            images = torch.from_numpy(dataset.images[batch]).to(device)
            images = augment(images, derive_seed(seed, "augment", run.step), start, len(whole))
            labels = torch.from_numpy(dataset.labels[batch]).to(device)
            images = guard.batch(network, images, labels, run.step, start)
            mixed = None
            if recipe.mixup:
                images, mixed = mix(images, labels, recipe.mixup, derive_seed(seed, "mixup", run.step), start)
            images = images.contiguous(memory_format=layout)
            shares = objective.shares(labels, dataset.labels[whole], ranks.count)
            with precision():
                logits, loss = objective(forward(images), images, labels, mixed, shares)
            own, norm, own_right = run.descend(loss, logits, labels, rate)
        value, right = ranks.total(own / ranks.count, own_right)
        if not math.isfinite(value + norm):
            raise UserError(
                f"The training loss became {value:g} (gradient {norm:g}) at step {run.step + 1} of {steps}, "
                f"epoch {epoch + 1}; train.learning_rate={recipe.learning_rate:g} may be too high: lower it"
                + ("." if folder is None else f" (the last good checkpoint stays in {folder})."))
        run.step += 1
        if run.average:
            run.average.update(network, run.step)
        row = run.count(value, int(right), len(whole), rate, last=position + 1 == len(bounds))
        if row:
            row.update(run.judged(ranks.any(guard.rings(network))))
        on_step(Progress(run.step, steps, epoch + 1, value, rate, row))
        stop = run.step < steps and ranks.any(should_stop())
        if folder is not None and not ranks.rank and (row or stop or time.monotonic() - saved > SAVE_SECONDS):
            run.save(folder)
            saved = time.monotonic()
        if stop:
            raise Stopped(f"stopped after step {run.step} of {steps}")
    if run.average:
        run.average.deliver(network)
    return run.history


def batch_bounds(count: int, batch_size: int, least: int = 2) -> list[tuple[int, int]]:
    """Return (start, stop) of an epoch's batches; fewer than `least` images left over join the batch before them.

    Batch norm has no statistics of one image.
    """
    bounds = [(start, min(start + batch_size, count)) for start in range(0, count, batch_size)]
    if len(bounds) > 1 and bounds[-1][1] - bounds[-1][0] < least:
        bounds[-2:] = [(bounds[-2][0], count)]
    return bounds


class _Run:
    """What changes from step to step, which is what a checkpoint holds; begins with the newest one in `folder`."""

    def __init__(self, network: nn.Module, recipe: Recipe, key: str, folder: Path | None, guard: OverfitMonitor):
        self.network, self.recipe, self.key, self.guard = network, recipe, key, guard
        self.step = 0
        self.history: list[dict[str, Any]] = []
        self.running = [0.0, 0, 0]  # this epoch's sum of losses, images right, images seen
        found = None if folder is None else load_checkpoint(folder, key)
        if found is None and recipe.init is not None:
            unfit = start_from(network, recipe.init)
            if unfit:
                warnings.warn(unfit, stacklevel=3)
        self.optimiser = _optimiser(network, recipe)
        self.average = Average(network, recipe.ema) if recipe.ema else None
        if found is not None:
            self.resume(*found)

    def descend(self, loss: Tensor, logits: Tensor, labels: Tensor, rate: float) -> tuple[float, float, int]:
        """Step along the gradient where it is finite; return loss, norm of the gradient and images right."""
        self.optimiser.zero_grad()
        loss.backward()
        limit = self.recipe.clip_norm or math.inf
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), limit)
        right = (logits.argmax(1) == labels).sum()
        value, length, correct = torch.stack([loss.detach(), norm, right]).tolist()  # one transfer
        if math.isfinite(value + length):
            for group in self.optimiser.param_groups:
                group["lr"] = rate
            self.optimiser.step()
        return value, length, int(correct)

    def count(self, loss: float, right: int, seen: int, rate: float, last: bool) -> dict[str, Any] | None:
        """Add a step to the epoch's sums; after the last one return the epoch's row."""
        total, correct, images = self.running
        self.running = [total + loss * seen, correct + right, images + seen]
        if not last:
            return None
        total, correct, images = self.running
        self.history.append({"epoch": len(self.history) + 1, "step": self.step, "loss": total / images,
                             "accuracy": correct / images, "learning_rate": rate})
        self.running = [0.0, 0, 0]
        return self.history[-1]

    def judged(self, alarm: bool) -> dict[str, Any]:
        """Return what the guard says of the epoch; after an alarm weights go back to where there was none."""
        told, earlier = self.guard.judge(alarm, self._learnt())
        if earlier is not None:
            self._restore(earlier)
        return told

    def save(self, folder: Path) -> None:
        save_checkpoint(folder, self.step, {"key": self.key, "history": self.history, "running": self.running,
                                            **self._learnt(), **self.guard.state()})

    def _learnt(self) -> dict[str, Any]:
        average = {"average": self.average.values} if self.average else {}
        return {"network": self.network.state_dict(), "optimiser": self.optimiser.state_dict(), **average}

    def resume(self, step: int, state: dict[str, Any]) -> None:
        """Take up a checkpoint."""
        self.step, self.history, self.running = step, state["history"], state["running"]
        self._restore(state)
        self.guard.load(state)

    def _restore(self, state: dict[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(copy.deepcopy(state["optimiser"]))  # it would go on in these very tensors
        if self.average:
            self.average.load(state["average"])


def _optimiser(network: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """SGD; weight decay pulls on kernels and matrices, and on vectors where the recipe says so."""
    parameters = [p for p in network.parameters() if p.requires_grad]
    groups = [{"params": [p for p in parameters if p.ndim > 1], "weight_decay": recipe.weight_decay},
              {"params": [p for p in parameters if p.ndim <= 1],
               "weight_decay": recipe.weight_decay if recipe.decay_all else 0.0}]
    return torch.optim.SGD([g for g in groups if g["params"]], lr=recipe.learning_rate,
                           momentum=recipe.momentum, nesterov=recipe.nesterov)


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


def _shapes(network: nn.Module) -> list:
    return [[name, list(value.shape)] for name, value in network.state_dict().items()]
