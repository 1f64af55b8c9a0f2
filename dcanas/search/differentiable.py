"""Differentiable search under several limits: min over alphas of L_val(w*(alpha), alpha) with cost_k(alpha) <= limit_k.

One loop (first order, DARTS; Liu et al., ICLR 2019): at every step the multipliers follow the violations, alphas
descend on validation loss + multipliers x violations on one half of the training images, weights descend on the
training loss on the other half. How alphas become mixing weights is a strategy (`search.strategies`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
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
from dcanas.costs import Budget, CostModel, within_groups
from dcanas.export.classifier import Normalise
from dcanas.search.constraints import Constraints
from dcanas.search.settings import SearchSettings
from dcanas.search.strategies import strategies
from dcanas.spaces import Space
from dcanas.supernet import Supernet
from dcanas.training import Dataset, Recipe, batch_bounds, halves, make_augment

ALPHA_SPREAD = 1e-3  # standard deviation of the first alphas (DARTS)


@dataclass(frozen=True)
class SearchProgress:
    """State after a step. `row` is the epoch's line of the history, after its last step only."""

    step: int
    steps: int
    epoch: int
    loss: float
    row: dict[str, Any] | None = None


@dataclass(frozen=True)
class SearchResult:
    """What a search hands to `derive`.

    alphas, scores: per slot one number per option; scores are the log-softmax of the alphas.
    history: one row per epoch: losses, accuracy, expected cost / limit and multiplier of every limit, entropy, and
        `mixing`, per slot the weights of its options to five places.
    """

    alphas: list[list[float]]
    scores: list[list[float]]
    history: list[dict[str, Any]]


def search(space: Space, dataset: Dataset, budget: Budget, costs: Sequence[CostModel], settings: SearchSettings,
           recipe: Recipe, seed: int, folder: Path | None = None, skeleton: dict[str, Any] | None = None,
           split_seed: int = 0, device: str | torch.device = "cpu",
           on_step: Callable[[SearchProgress], None] = lambda progress: None,
           should_stop: Callable[[], bool] = lambda: False) -> SearchResult:
    """Train a supernet of `space` and its alphas under `budget` and return the alphas.

    dataset: only its training split is used, one half for weights and one for alphas.
    costs: one model per limit of `budget`, in its order; they speak of the final network.
    recipe: only how images are augmented.
    skeleton: the supernet's (see `Supernet`); folder: checkpoints, from which a search that was cut off goes on to
        the same result. should_stop: asked after every step; then the step is saved and `Stopped` raised.
    Raises `UserError` where the loss is no number, memory runs out or the checkpoints belong to another search.
    """
    device = torch.device(device)
    halved = halves(dataset, split_seed)
    run = _Run(space, dataset, budget, costs, settings, seed, skeleton or {}, device)
    run.key = key_of(settings, recipe, seed, split_seed, dataset.fit_key, skeleton, dict(budget),
                     [list(p.shape) for p in run.supernet.parameters()])
    if folder is not None:
        run.resume(folder)
    augment = make_augment(dataset, recipe)
    bounds = batch_bounds(min(len(h) for h in halved), settings.batch_size)
    steps = settings.epochs * len(bounds)
    orders: list[np.ndarray] | None = None

    def batch(half: int, epoch: int, position: int) -> tuple[Tensor, Tensor]:
        nonlocal orders
        if orders is None or position == 0:
            orders = [np.random.default_rng(derive_seed(seed, "order", i, epoch)).permutation(h)
                      for i, h in enumerate(halved)]
        chosen = orders[half][slice(*bounds[position])]
        images = torch.from_numpy(dataset.images[chosen]).to(device)
        images = augment(images, derive_seed(seed, "augment", half, run.step))
        return (images.contiguous(memory_format=torch.channels_last),
                torch.from_numpy(dataset.labels[chosen]).to(device))

    while run.step < steps:
        epoch, position = divmod(run.step, len(bounds))
        torch.manual_seed(derive_seed(seed, "mixing", run.step))  # for strategies that draw
        alphas_loss = run.step_alphas(*batch(1, epoch, position))
        weights_loss, correct = run.step_weights(*batch(0, epoch, position), run.step / steps)
        if not math.isfinite(alphas_loss + weights_loss):
            raise UserError(f"The search loss became {alphas_loss + weights_loss} at step {run.step + 1} of {steps}; "
                            f"most likely search.weight_learning_rate={settings.weight_learning_rate:g} is too high."
                            f"{'' if folder is None else f' The last good checkpoint is in {folder}.'}")
        run.step += 1
        seen = bounds[position][1] - bounds[position][0]
        row = run.count(weights_loss, alphas_loss, correct, seen, position + 1 == len(bounds))
        on_step(SearchProgress(run.step, steps, epoch + 1, alphas_loss, row))
        stop = run.step < steps and should_stop()
        if folder is not None and (row or stop):
            run.save(folder)
        if stop:
            raise Stopped(f"stopped after step {run.step} of {steps}")
    return run.result()


class _Run:
    """Supernet, alphas, multipliers and their optimisers: all that a checkpoint holds."""

    def __init__(self, space: Space, dataset: Dataset, budget: Budget, costs: Sequence[CostModel],
                 settings: SearchSettings, seed: int, skeleton: dict[str, Any], device: torch.device):
        torch.manual_seed(derive_seed(seed, "supernet"))
        self.supernet = Supernet(space, len(dataset.classes), dataset.shape[0], settings.bottleneck, settings.share,
                                 **skeleton)
        self.normalised = Normalise(dataset.mean, dataset.std).to(device)
        self.supernet.to(device).to(memory_format=torch.channels_last).train()  # a third faster on a CPU
        self.alphas = [(ALPHA_SPREAD * torch.randn(len(slot.options))).to(device).requires_grad_()
                       for slot in space.slots]
        self.settings = settings
        self.mix = strategies[settings.strategy]
        self.constraints = Constraints(costs, budget, settings.multiplier_learning_rate)
        self.weight_optimiser = torch.optim.SGD(self.supernet.parameters(), lr=settings.weight_learning_rate,
                                                momentum=settings.momentum, weight_decay=settings.weight_decay)
        self.alpha_optimiser = torch.optim.Adam(self.alphas, lr=settings.alpha_learning_rate, betas=(0.5, 0.999),
                                                weight_decay=settings.alpha_weight_decay)
        self.key = ""
        self.step = 0
        self.history: list[dict[str, Any]] = []
        self.running = [0.0, 0.0, 0, 0]  # sums: weights' loss, alphas' loss, images right, images seen

    def step_alphas(self, images: Tensor, labels: Tensor) -> float:
        """One step of the multipliers upwards, one of the alphas downwards."""
        mixing = self.mix(self.alphas)
        violations = self.violations(mixing)
        self.constraints.ascend(violations)
        loss = F.cross_entropy(self.supernet(self.normalised(images), mixing), labels)
        total = loss + self.constraints.penalty(violations).to(loss.device, loss.dtype)
        gradients = torch.autograd.grad(total, self.alphas)
        for alpha, gradient in zip(self.alphas, gradients, strict=True):
            alpha.grad = gradient
        self.alpha_optimiser.step()
        return loss.item()

    def violations(self, mixing: Sequence[Tensor]) -> Tensor:
        """Return the violations of the expected costs over codes that keep the groups. Shape: (limits,)."""
        exact = [m.to("cpu", torch.float64) for m in mixing]
        return self.constraints.violations(within_groups(self.supernet.space, exact))

    def step_weights(self, images: Tensor, labels: Tensor, done: float) -> tuple[float, int]:
        """One step of the shared weights; `done`: share of the search behind us, for the cosine schedule."""
        settings = self.settings
        low, high = settings.weight_learning_rate_min, settings.weight_learning_rate
        for group in self.weight_optimiser.param_groups:
            group["lr"] = low + (high - low) * (1 + math.cos(math.pi * done)) / 2
        mixing = [m.detach() for m in self.mix(self.alphas)]
        logits = self.supernet(self.normalised(images), mixing)
        loss = F.cross_entropy(logits, labels)
        self.weight_optimiser.zero_grad()
        loss.backward()
        if settings.clip_norm:
            nn.utils.clip_grad_norm_(self.supernet.parameters(), settings.clip_norm)
        self.weight_optimiser.step()
        return loss.item(), int((logits.argmax(1) == labels).sum())

    def count(self, weights_loss: float, alphas_loss: float, correct: int, seen: int,
              last: bool) -> dict[str, Any] | None:
        """Add a step to the epoch's sums; after the last one return the epoch's row."""
        total = [self.running[0] + weights_loss * seen, self.running[1] + alphas_loss * seen,
                 self.running[2] + correct, self.running[3] + seen]
        self.running = total
        if not last:
            return None
        with torch.no_grad():
            mixing = self.mix(self.alphas)
            ratios = (self.violations(mixing) + 1).tolist()
            entropy = float(sum(-(p * p.clamp(min=1e-12).log()).sum() for p in mixing)) / len(mixing)
        row: dict[str, Any] = {"epoch": len(self.history) + 1, "step": self.step, "weights_loss": total[0] / total[3],
                               "alphas_loss": total[1] / total[3], "weights_accuracy": total[2] / total[3],
                               "alpha_entropy": entropy, "mixing": [[round(p, 5) for p in m.tolist()] for m in mixing]}
        for cost, ratio, multiplier in zip(self.constraints.costs, ratios, self.constraints.multipliers.tolist(),
                                           strict=True):
            row[f"expected_over_limit/{cost.name}"] = ratio
            row[f"multiplier/{cost.name}"] = multiplier
        self.history.append(row)
        self.running = [0.0, 0.0, 0, 0]
        return row

    def result(self) -> SearchResult:
        alphas = [a.detach().cpu() for a in self.alphas]
        return SearchResult([a.tolist() for a in alphas], [a.log_softmax(0).tolist() for a in alphas], self.history)

    def save(self, folder: Path) -> None:
        save_checkpoint(folder, self.step, {
            "key": self.key, "supernet": self.supernet.state_dict(), "alphas": [a.detach() for a in self.alphas],
            "multipliers": self.constraints.multipliers, "weight_optimiser": self.weight_optimiser.state_dict(),
            "alpha_optimiser": self.alpha_optimiser.state_dict(), "history": self.history, "running": self.running})

    def resume(self, folder: Path) -> None:
        found = load_checkpoint(folder, self.key)
        if found is None:
            return
        step, state = found
        self.step, self.history, self.running = step, state["history"], state["running"]
        self.supernet.load_state_dict(state["supernet"])
        with torch.no_grad():
            for alpha, stored in zip(self.alphas, state["alphas"], strict=True):
                alpha.copy_(stored)
        self.constraints.multipliers = state["multipliers"]
        self.weight_optimiser.load_state_dict(state["weight_optimiser"])
        self.alpha_optimiser.load_state_dict(state["alpha_optimiser"])
