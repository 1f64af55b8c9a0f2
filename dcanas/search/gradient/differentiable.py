"""Differentiable search under several limits: min over alphas of L_val(w*(alpha), alpha) with cost_k(alpha) <= limit_k.

One loop (DARTS; Liu et al., ICLR 2019): at every step the multipliers follow the violations, alphas descend on the
validation loss plus the penalty of the violations (`gradient.constraints`) on one half of the training images, weights
descend on the training loss on the other half. A strategy (`gradient.strategies`) turns alphas into mixing weights.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dcanas.basics.checkpoints import kept_checkpoint
from dcanas.basics.errors import Stopped, UserError
from dcanas.basics.hooks import QUIET, Hooks
from dcanas.basics.keys import derive_seed, key_of
from dcanas.basics.machine import seed_torch
from dcanas.costs import Budget, CostModel
from dcanas.search.gradient import collapse
from dcanas.search.gradient.bilevel import Batch, BilevelTrainer
from dcanas.search.gradient.gradient_settings import SearchSettings
from dcanas.search.gradient.step_memory import free_bytes, memory_advice, predict_memory
from dcanas.spaces import Space
from dcanas.training import Dataset, Recipe, batch_bounds, halves, make_augment
from dcanas.training.precision import compile_advice
from dcanas.training.ranks import ALONE, Ranks


@dataclass(frozen=True)
class SearchResult:
    """The result of a search: the input of `derive`.

    alphas, scores: per slot one number per option; scores are the logarithms of what the strategy makes of the alphas.
    history: one row per epoch: losses, accuracy, expected cost / limit and multiplier of every limit, entropy, share of
        the slots that prefer an option without parameters, `mixing` (per slot the options' probabilities to five
        places), and the Hessian's eigenvalue in the epochs of `search.hessian_every`.
    """

    alphas: list[list[float]]
    scores: list[list[float]]
    history: list[dict[str, Any]]


def search(space: Space, dataset: Dataset, budget: Budget, costs: Sequence[CostModel], settings: SearchSettings,
           recipe: Recipe, seed: int, *, folder: Path | None = None, skeleton: dict[str, Any] | None = None,
           split_seed: int = 0, device: str | torch.device = "cpu", hooks: Hooks = QUIET, start: Path | None = None,
           ranks: Ranks = ALONE) -> SearchResult:
    """Train a supernet of a space and its alphas under a budget; warn once if the alphas collapse.

    Args:
        dataset: only its training split is used, one half for weights and one for alphas.
        costs: one model per limit of `budget`, in its order; they refer to the final network.
        recipe: only its augmentation is used.
        folder: of the checkpoints, from which an interrupted search continues to the same result; None: no checkpoints.
        skeleton: of the supernet (see `Supernet`).
        split_seed: decides the two halves.
        hooks: receive the memory of a step, every step, and the row of every epoch; asked after every step whether to
            stop.
        start: folder of a finished search, whose supernet and alphas this one begins with instead of new ones.
        ranks: this process's place if several search together: every batch is divided among them (batch norm
            normalises over each part), gradients are summed, all hold the same alphas and multipliers, and the first
            writes.

    Raises:
        UserError: the loss is not finite, memory runs out, the checkpoints belong to another search, or the strategy
            does not suit the space.
        Stopped: the hooks asked to stop.
    """
    device = torch.device(device)
    ranks.check(settings.batch_size, "search")
    halved = halves(dataset, split_seed)
    run = BilevelTrainer(space, dataset, budget, costs, settings, seed, skeleton or {}, device, ranks)
    run.key = key_of(settings, recipe, seed, split_seed, dataset.fit_key, skeleton, dict(budget),
                     [list(p.shape) for p in run.supernet.parameters()])
    resumed = folder is not None and run.resume(folder)
    if start is not None and not resumed:
        run.begin_from(start)
    augment = make_augment(dataset, recipe)
    bounds = batch_bounds(min(len(h) for h in halved), settings.batch_size, 2 * ranks.count)
    steps = settings.epochs * len(bounds)
    memory = predict_memory(run, dataset, device)
    hooks.details.message(f"  a step of {settings.batch_size} images takes about "
                          f"{memory.of(settings.batch_size) / 2**20:,.0f} MiB beside what is loaded; "
                          f"{free_bytes(device) / 2**20:,.0f} MiB are free")
    orders: list[np.ndarray] = []  # of the images of both halves in this epoch

    def batch(half: int, epoch: int, position: int) -> Batch:
        nonlocal orders
        if not orders or position == 0:
            orders = [np.random.default_rng(derive_seed(seed, "order", i, epoch)).permutation(h)
                      for i, h in enumerate(halved)]
        whole = orders[half][slice(*bounds[position])]
        first, last = ranks.part(len(whole))
        chosen = whole[first:last]
        images = torch.from_numpy(dataset.images[chosen]).to(device)
        images = augment(images, derive_seed(seed, "augment", half, run.step), first, len(whole))
        return (images.contiguous(memory_format=torch.channels_last),
                torch.from_numpy(dataset.labels[chosen]).to(device), len(whole))

    while run.step < steps:
        epoch, position = divmod(run.step, len(bounds))
        last = position + 1 == len(bounds)
        seed_torch(derive_seed(seed, "mixing", run.step))  # for strategies that draw
        progress = run.step / steps
        with memory_advice(memory, settings.batch_size, device), compile_advice(settings.compile, "search.compile"):
            training = batch(0, epoch, position)
            warming = epoch < settings.warmup_epochs
            validation = None if warming else batch(1, epoch, position)
            alphas_loss = 0.0 if validation is None else run.step_alphas(validation, training, progress)
            weights_loss = run.step_weights(training, progress)
            if not math.isfinite(alphas_loss + weights_loss):
                raise UserError(_diverged(run, steps, alphas_loss, weights_loss, folder))
            run.step += 1
            looked_at = settings.hessian_every and (epoch + 1) % settings.hessian_every == 0
            row = run.end_epoch(validation if looked_at else None) if last else None
        if row and not run.warned and not warming and (
                text := collapse.warning(run.history, settings.finalists if settings.finalist_epochs else 0)):
            run.warned = True
            warnings.warn(text, stacklevel=2)
        hooks.progress(run.step, steps, f"epoch {epoch + 1}, loss {weights_loss if warming else alphas_loss:.3f}")
        if row:
            hooks.epoch(run.step, row)
        stop = run.step < steps and ranks.any(hooks.should_stop())
        if folder is not None and not ranks.rank and (row or stop):
            run.save(folder)
        if stop:
            raise Stopped(f"stopped after step {run.step} of {steps}")
    return SearchResult([a.detach().cpu().tolist() for a in run.alphas], run.scores(), run.history)


def _diverged(run: BilevelTrainer, steps: int, alphas_loss: float, weights_loss: float, folder: Path | None) -> str:
    """Return what is not finite, the likely reason, and where the last good checkpoint is."""
    rate = ("alpha_learning_rate" if math.isfinite(weights_loss) and not math.isfinite(alphas_loss) and run.step == 0
            else "weight_learning_rate")
    return (f"The search loss became {alphas_loss + weights_loss} at step {run.step + 1} of {steps}; most likely "
            f"search.{rate}={getattr(run.settings, rate):g} is too high.{kept_checkpoint(folder)}")
