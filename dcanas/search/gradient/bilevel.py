"""Bilevel optimisation: supernet, alphas, multipliers and their optimisers; what a checkpoint holds."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from dcanas.basics.checkpoints import load_checkpoint, save_checkpoint
from dcanas.basics.errors import UserError
from dcanas.basics.keys import derive_seed, key_of
from dcanas.basics.layout import to_channels_last
from dcanas.basics.optimisers import adam, sgd
from dcanas.costs import Budget, CostModel, within_groups
from dcanas.export.classifier import Normalise
from dcanas.search.gradient.collapse import dominant_eigenvalue, parameter_free_share
from dcanas.search.gradient.constraint_registry import constraints
from dcanas.search.gradient.edges import EdgeWeights
from dcanas.search.gradient.gradient_settings import SearchSettings
from dcanas.search.gradient.second_order import gradients_of, unrolled_gradient
from dcanas.search.gradient.strategies import strategies
from dcanas.search.gradient.strategies.strategy import Strategy
from dcanas.spaces import Space
from dcanas.supernet import Supernet
from dcanas.training import Dataset
from dcanas.training.precision import autocast
from dcanas.training.ranks import Ranks

ALPHA_SPREAD = 1e-3  # standard deviation of the first alphas (DARTS)
BASELINE = 0.9  # momentum of the average loss that score functions compare with
Batch = tuple[Tensor, Tensor, int]  # this process's images and labels, and the size of the whole batch


class BilevelTrainer:
    """Trains the alphas and the shared weights of a supernet in turns.

    Args:
        costs: one model per limit of `budget`.
        skeleton: of the supernet (see `Supernet`).
        ranks: this process's place if several search together.

    Attributes:
        key: of the search that its checkpoints belong to.
        step: number of steps taken.
        history: one row per epoch (see `SearchResult`).
    """

    def __init__(self, space: Space, dataset: Dataset, budget: Budget, costs: Sequence[CostModel],
                 settings: SearchSettings, seed: int, skeleton: dict[str, Any], device: torch.device, ranks: Ranks):
        torch.manual_seed(derive_seed(seed, "supernet"))
        self.supernet = Supernet(space, len(dataset.classes), dataset.shape[0], settings.bottleneck, settings.share,
                                 settings.partial_channels, **skeleton)
        self.normalised = Normalise(*dataset.moments).to(device)
        to_channels_last(self.supernet.to(device)).train()  # a third faster on a CPU
        self.precision = autocast(device, settings.amp, "search.amp")
        self.forward = torch.compile(self.supernet, dynamic=False) if settings.compile else self.supernet
        self.alphas = [(ALPHA_SPREAD * torch.randn(len(slot.options))).to(device).requires_grad_()
                       for slot in space.slots]
        self.edges = EdgeWeights(self.supernet, device) if settings.edge_normalisation else None
        self.weigh: Callable[[Sequence[Tensor]], list[Tensor]] = self.edges or list  # times those of edges
        self.searched = self.alphas if self.edges is None else [*self.alphas, self.edges.betas]
        self.settings, self.ranks = settings, ranks
        self.strategy: Strategy = strategies[settings.strategy](space, settings)
        self.constraints = constraints[settings.constraint](costs, budget, settings.multiplier_learning_rate,
                                                            settings.violation_weight)
        self.weight_optimiser = sgd(self.supernet.parameters(), lr=settings.weight_learning_rate,
                                    momentum=settings.momentum, weight_decay=settings.weight_decay)
        self.alpha_optimiser = adam(self.searched, lr=settings.alpha_learning_rate, betas=(0.5, 0.999),
                                    weight_decay=settings.alpha_weight_decay)
        self.key = ""
        self.made_for = key_of(space.name, dataset.fit_key, self.supernet.skeleton, settings.bottleneck,
                               settings.share, settings.partial_channels, settings.edge_normalisation)
        self.step = 0
        self.history: list[dict[str, Any]] = []
        self.baseline: float | None = None
        self.warned = False
        self.running: dict[str, list[float]] = {}  # of the epoch so far: name -> [sum over images, images]

    def step_alphas(self, batch: Batch, training: Batch, progress: float) -> float:
        """Take one step of the multipliers upwards and one of the alphas downwards.

        Args:
            batch: validation images.
            training: the batch of the next step of the weights, which second order looks ahead through.
            progress: of the search, from 0 to 1.

        Returns:
            The validation loss over all processes.
        """
        mixture = self.strategy.mix(self.alphas, progress)
        mixing = self.weigh(mixture.weights)
        leaves = [row.detach().requires_grad_() for row in mixing]
        loss, gradients = self._gradient(batch, training, leaves, mixture.chosen, progress)
        violations = self.violations()
        self.constraints.ascend(violations)
        total = self.constraints.penalty(violations).to(mixing[0].device, mixing[0].dtype)
        if mixture.log_probability is None:
            total = total + torch.stack([(row * g).sum() for row, g in zip(mixing, gradients, strict=True)]).sum()
        else:
            self.baseline = loss if self.baseline is None else BASELINE * self.baseline + (1 - BASELINE) * loss
            total = total + (loss - self.baseline) * mixture.log_probability
        if mixture.penalty is not None:
            total = total + mixture.penalty
        if self.settings.beta_decay:
            decay = torch.stack([row.logsumexp(0) for row in self.alphas]).mean()
            total = total + self.settings.beta_decay * progress * decay
        for alpha, gradient in zip(self.searched, torch.autograd.grad(total, self.searched, allow_unused=True),
                                   strict=True):
            alpha.grad = gradient
        self.alpha_optimiser.step()
        self._add("alphas_loss", loss, batch[2])
        return loss

    def _gradient(self, batch: Batch, training: Batch, leaves: list[Tensor],
                  chosen: tuple[int, ...] | None, progress: float) -> tuple[float, list[Tensor]]:
        """Return the validation loss and its gradient by mixing weights, over all processes."""
        settings = self.settings
        if not self.strategy.differentiable:
            with torch.no_grad():
                own, _ = self._loss(batch, leaves, chosen)
            return self.ranks.total(float(own))[0], [torch.zeros_like(row) for row in leaves]
        if settings.order == "first":
            self.supernet.requires_grad_(False)  # nothing is kept or computed for the gradients of the weights
            try:
                own, _ = self._loss(batch, leaves, chosen)
            finally:
                self.supernet.requires_grad_(True)
            gradients = self.ranks.sum(gradients_of(own, leaves))
        else:
            weights = dict(self.supernet.named_parameters())
            state = self.weight_optimiser.state
            buffers = {name: state[p]["momentum_buffer"] for name, p in weights.items() if state.get(p)}
            own, gradients = unrolled_gradient(
                lambda w, m: self._loss(training, m, chosen, w)[0], lambda w, m: self._loss(batch, m, chosen, w)[0],
                weights, buffers, leaves, self._rate(progress), settings.momentum, settings.weight_decay,
                self.ranks.sum)
        return self.ranks.total(float(own.detach()))[0], gradients

    def _loss(self, batch: Batch, mixing: Sequence[Tensor], chosen: tuple[int, ...] | None = None,
              weights: Mapping[str, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        """Return this process's share of the mean loss over the whole batch, and the logits (N, classes).

        weights: replace the supernet's own. Then the loss is computed in full precision and can be differentiated
        twice, which compiled code cannot.
        """
        images, labels, count = batch
        arguments = (self.normalised(images), list(mixing), chosen)
        logits: Tensor
        if weights is not None:
            logits = functional_call(self.supernet, dict(weights), arguments)
        else:
            with self.precision():
                logits = self.forward(*arguments).float()
        return F.cross_entropy(logits, labels, reduction="sum") / count, logits

    def violations(self) -> Tensor:
        """Return the violations of the expected costs over codes that keep the groups. Shape: (limits,)."""
        exact = [p.to("cpu", torch.float64) for p in self.strategy.probabilities(self.alphas)]
        return self.constraints.violations(within_groups(self.supernet.space, exact))

    def step_weights(self, batch: Batch, progress: float) -> float:
        """Take one step of the shared weights and return the training loss over all processes; see `step_alphas`."""
        _, labels, count = batch
        for group in self.weight_optimiser.param_groups:
            group["lr"] = self._rate(progress)
        mixture = self.strategy.mix_for_weights(self.alphas, progress)
        own, logits = self._loss(batch, [row.detach() for row in self.weigh(mixture.weights)], mixture.chosen)
        self.weight_optimiser.zero_grad()
        torch.autograd.backward(own)
        reached = [p for p in self.supernet.parameters() if p.grad is not None]  # the same in every process
        for p, gradient in zip(reached, self.ranks.sum([p.grad for p in reached if p.grad is not None]), strict=True):
            p.grad = gradient
        if self.settings.clip_norm:
            norm = nn.utils.get_total_norm([p.grad for p in reached if p.grad is not None])
            nn.utils.clip_grads_with_norm_(reached, self.settings.clip_norm, norm)
        self.weight_optimiser.step()
        loss, right = self.ranks.total(own.item(), int((logits.argmax(1) == labels).sum()))
        self._add("weights_loss", loss, count)
        self._add("weights_accuracy", right / count, count)
        return loss

    def end_epoch(self, batch: Batch | None) -> dict[str, Any]:
        """Add the epoch's row to the history and return it; batch: validation images for the Hessian, or None."""
        with torch.no_grad():
            probabilities = self.strategy.probabilities(self.alphas)
            ratios = (self.violations() + 1).tolist()
            entropy = float(sum(-(p * p.clamp(min=1e-12).log()).sum() for p in probabilities)) / len(probabilities)
        free = [[not count for count in row] for row in self.supernet.parameter_counts()]
        mixing = [[round(p, 5) for p in row.tolist()] for row in probabilities]
        row: dict[str, Any] = {"epoch": len(self.history) + 1, "step": self.step,
                               **{name: total / seen for name, (total, seen) in self.running.items()},
                               "alpha_entropy": entropy,
                               "mixing": mixing,
                               "parameter_free_share": parameter_free_share(mixing, free)}
        if batch is not None:
            row["alpha_eigenvalue"] = dominant_eigenvalue(
                lambda alphas: self._loss(batch, self.weigh(self.strategy.probabilities(alphas)),
                                          weights=dict(self.supernet.named_parameters()))[0],
                self.alphas, self.ranks.sum)
        for cost, ratio, multiplier in zip(self.constraints.costs, ratios, self.constraints.multipliers.tolist(),
                                           strict=True):
            row[f"expected_over_limit/{cost.name}"] = ratio
            row[f"multiplier/{cost.name}"] = multiplier
        self.history.append(row)
        self.running = {}
        return row

    def scores(self) -> list[list[float]]:
        """Return the logarithm of every option's probability, plus that of its edge's weight if edges have weights."""
        rows = [p.detach().double().clamp(min=1e-300).log() for p in self.strategy.probabilities(self.alphas)]
        if self.edges is not None:
            rows = [row + weight for row, weight in zip(rows, self.edges.logarithms().detach().double(), strict=True)]
        return [row.tolist() for row in rows]

    def save(self, folder: Path) -> None:
        """Write a checkpoint."""
        save_checkpoint(folder, self.step, {
            "key": self.key, "made_for": self.made_for, "supernet": self.supernet.state_dict(),
            "searched": [a.detach() for a in self.searched], "multipliers": self.constraints.multipliers,
            "weight_optimiser": self.weight_optimiser.state_dict(),
            "alpha_optimiser": self.alpha_optimiser.state_dict(), "history": self.history, "running": self.running,
            "baseline": self.baseline, "warned": self.warned})

    def resume(self, folder: Path) -> bool:
        """Continue from the newest checkpoint, and return whether there is one.

        Raises:
            UserError: the checkpoint belongs to another search.
        """
        found = load_checkpoint(folder, self.key)
        if found is None:
            return False
        self.step, state = found
        self._take(state)
        self.history, self.running = state["history"], state["running"]
        self.baseline, self.warned = state["baseline"], state["warned"]
        self.constraints.multipliers = state["multipliers"]
        self.weight_optimiser.load_state_dict(state["weight_optimiser"])
        self.alpha_optimiser.load_state_dict(state["alpha_optimiser"])
        return True

    def begin_from(self, folder: Path) -> None:
        """Start with the weights and alphas of a finished search.

        Raises:
            UserError: there is none in the folder, or it was made for another supernet or other data.
        """
        found = load_checkpoint(folder)
        if found is None:
            raise UserError(f"There is no supernet in {folder} to continue from; finish that search first, or start a "
                            "new one without source=.")
        if found[1].get("made_for") != self.made_for:
            raise UserError(f"The supernet in {folder} was made for other data, another space or another supernet "
                            "(search.bottleneck, share, partial_channels, edge_normalisation, space.search_skeleton); "
                            "leave those settings as they were, or start a new search without source=.")
        self._take(found[1])

    def _take(self, state: dict[str, Any]) -> None:
        self.supernet.load_state_dict(state["supernet"])
        with torch.no_grad():
            for tensor, stored in zip(self.searched, state["searched"], strict=True):
                tensor.copy_(stored)

    def _rate(self, progress: float) -> float:
        low, high = self.settings.weight_learning_rate_min, self.settings.weight_learning_rate
        return low + (high - low) * (1 + math.cos(math.pi * progress)) / 2

    def _add(self, name: str, value: float, images: int) -> None:
        total, seen = self.running.get(name, [0.0, 0])
        self.running[name] = [total + value * images, seen + images]
