"""The one training loop: every step is a function of (network, data, recipe, seed, step)."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dcanas.basics.checkpoints import Stopped, load_checkpoint, save_checkpoint
from dcanas.basics.errors import UserError
from dcanas.basics.keys import derive_seed, key_of
from dcanas.training.augment import make_augment
from dcanas.training.data import Dataset
from dcanas.training.recipe import Recipe

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
          should_stop: Callable[[], bool] = lambda: False, device: str | torch.device = "cpu",
          ) -> list[dict[str, Any]]:
    """Train `network` in place on `dataset.images[indices]`; return a row per epoch (loss, accuracy, rate).

    network: takes floats (N, C, H, W) in [0, 1] and returns logits; its weights are the starting point.
    folder: holds the checkpoints, from which a training that was cut off goes on to the same result; or None.
    should_stop: asked after every step; then the step is saved and `Stopped` raised.
    Raises `UserError` where the loss is no number, memory runs out, or checkpoints belong to other settings.
    """
    device = torch.device(device)
    network.to(device).to(memory_format=torch.channels_last)  # a quarter faster on a CPU
    run = _Run(network, recipe, key_of(recipe, seed, dataset.fit_key, indices.tolist(), _shapes(network)))
    if folder is not None:
        run.resume(folder)
    weights = _class_weights(dataset, indices).to(device) if recipe.weighted_loss else None
    augment = make_augment(dataset, recipe)
    bounds = batch_bounds(len(indices), recipe.batch_size)
    steps = recipe.epochs * len(bounds)
    order, ordered = indices, -1
    saved = time.monotonic()
    network.train()
    while run.step < steps:
        epoch, position = divmod(run.step, len(bounds))
        if ordered != epoch:
            order = np.random.default_rng(derive_seed(seed, "order", epoch)).permutation(indices)
            ordered = epoch
        batch = order[slice(*bounds[position])]
        torch.manual_seed(derive_seed(seed, "network", run.step))  # for networks that draw (drop path)
        rate = recipe.rate(run.step, len(bounds))
        with _memory_advice(recipe):
            images = torch.from_numpy(dataset.images[batch]).to(device)
            images = augment(images, derive_seed(seed, "augment", run.step))
            labels = torch.from_numpy(dataset.labels[batch]).to(device)
            with _precision(device, recipe):
                logits = network(images.contiguous(memory_format=torch.channels_last)).float()
                loss = F.cross_entropy(logits, labels, weights, label_smoothing=recipe.label_smoothing)
            value, norm, right = run.descend(loss, logits, labels, rate)
        if not math.isfinite(value + norm):
            raise UserError(
                f"The training loss became {value:g} (gradient {norm:g}) at step {run.step + 1} of {steps}, "
                f"epoch {epoch + 1}; train.learning_rate={recipe.learning_rate:g} may be too high: lower it"
                + ("." if folder is None else f" (the last good checkpoint stays in {folder})."))
        run.step += 1
        row = run.count(value, right, len(batch), rate, last=position + 1 == len(bounds))
        on_step(Progress(run.step, steps, epoch + 1, value, rate, row))
        stop = run.step < steps and should_stop()
        if folder is not None and (row or stop or time.monotonic() - saved > SAVE_SECONDS):
            run.save(folder)
            saved = time.monotonic()
        if stop:
            raise Stopped(f"stopped after step {run.step} of {steps}")
    return run.history


def batch_bounds(count: int, batch_size: int) -> list[tuple[int, int]]:
    """Return (start, stop) of an epoch's batches; a single image left over joins the batch before it.

    Batch norm has no statistics of one image.
    """
    bounds = [(start, min(start + batch_size, count)) for start in range(0, count, batch_size)]
    if len(bounds) > 1 and bounds[-1][1] - bounds[-1][0] == 1:
        bounds[-2:] = [(bounds[-2][0], count)]
    return bounds


class _Run:
    """What changes from step to step, which is what a checkpoint holds."""

    def __init__(self, network: nn.Module, recipe: Recipe, key: str):
        self.network, self.recipe, self.key = network, recipe, key
        self.optimiser = _optimiser(network, recipe)
        self.step = 0
        self.history: list[dict[str, Any]] = []
        self.running = [0.0, 0, 0]  # this epoch's sum of losses, images right, images seen

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

    def save(self, folder: Path) -> None:
        save_checkpoint(folder, self.step, {
            "key": self.key, "network": self.network.state_dict(), "optimiser": self.optimiser.state_dict(),
            "history": self.history, "running": self.running})

    def resume(self, folder: Path) -> None:
        """Take up the newest whole checkpoint, if there is one."""
        found = load_checkpoint(folder, self.key)
        if found is None:
            return
        step, state = found
        self.step, self.history, self.running = step, state["history"], state["running"]
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])


def _optimiser(network: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """SGD; weight decay pulls on kernels and matrices only."""
    parameters = [p for p in network.parameters() if p.requires_grad]
    groups = [{"params": [p for p in parameters if p.ndim > 1], "weight_decay": recipe.weight_decay},
              {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0}]
    return torch.optim.SGD([g for g in groups if g["params"]], lr=recipe.learning_rate,
                           momentum=recipe.momentum, nesterov=recipe.nesterov)


def _class_weights(dataset: Dataset, indices: np.ndarray) -> Tensor:
    """Inverse frequencies whose mean over the images is 1; a class without images weighs nothing."""
    counts = np.bincount(dataset.labels[indices], minlength=len(dataset.classes))
    present = np.maximum(counts, 1) * (counts > 0).sum()
    return torch.tensor(np.where(counts > 0, len(indices) / present, 0.0), dtype=torch.float32)


def _precision(device: torch.device, recipe: Recipe) -> AbstractContextManager:
    if recipe.amp == "auto" and device.type == "cuda" and torch.cuda.is_bf16_supported():
        return torch.autocast("cuda", torch.bfloat16)
    return nullcontext()


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
