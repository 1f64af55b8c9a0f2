"""What changes from step to step of a training: exactly what a checkpoint holds."""

from __future__ import annotations

import copy
import math
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from dcanas.basics.checkpoints import load_checkpoint, save_checkpoint
from dcanas.basics.optimisers import adamw, sgd
from dcanas.training.adversarial import OverfitMonitor
from dcanas.training.average import Average
from dcanas.training.recipe import Recipe
from dcanas.training.start import start_from


class TrainingState:
    """Network, optimiser, average and history; begins with the newest checkpoint in `folder`, if there is one.

    Args:
        key: hash of the settings and data, which the checkpoint must have too.
        folder: of the checkpoints, or None.
        begun: state of the first whole epochs of the same schedule on other images, or None (see `train`).
        steps_per_epoch: of this training.

    Raises `UserError` if the checkpoint has another key, or the initial weights of the recipe do not fit.
    """

    def __init__(self, network: nn.Module, recipe: Recipe, key: str, folder: Path | None,
                 monitor: OverfitMonitor | None, begun: dict[str, Any] | None = None, steps_per_epoch: int = 0):
        self.network, self.recipe, self.key, self.monitor = network, recipe, key, monitor
        self.step = 0
        self.history: list[dict[str, Any]] = []
        self.running = [0.0, 0, 0]  # of this epoch: sum of losses, images classified correctly, images seen
        found = None if folder is None else load_checkpoint(folder, key)
        if found is None and begun is not None:
            found = len(begun["history"]) * steps_per_epoch, begun
        if found is None and recipe.init is not None:
            unfit = start_from(network, recipe.init)
            if unfit:
                warnings.warn(unfit, stacklevel=3)
        self._parameters = list(network.parameters())  # walking through all modules takes longer than what is done here
        self.optimiser = make_optimiser(network, recipe)
        self.average = Average(network, recipe.ema) if recipe.ema else None
        if found is not None:
            self.step, state = found
            self.history, self.running = list(state["history"]), list(state["running"])
            self._restore(state)
            if monitor:
                monitor.load(state)

    def descend(self, loss: Tensor, logits: Tensor, labels: Tensor, rate: float) -> tuple[float, float, int]:
        """Take a step along the gradient if it is finite.

        Args:
            loss: scalar; logits: (N, classes); labels: (N,); rate: the learning rate.

        Returns:
            The loss, the norm of the gradient before clipping, and the number of images classified correctly.
        """
        self.optimiser.zero_grad()
        loss.backward()
        gradients = [p.grad for p in self._parameters if p.grad is not None]
        norm = nn.utils.get_total_norm(gradients)
        if self.recipe.clip_norm:
            nn.utils.clip_grads_with_norm_(self._parameters, self.recipe.clip_norm, norm)
        right = (logits.argmax(1) == labels).sum()
        value, length, correct = torch.stack([loss.detach(), norm, right]).tolist()  # one transfer
        if math.isfinite(value + length):
            for group in self.optimiser.param_groups:
                group["lr"] = rate * group["relative_rate"]
            self.optimiser.step()
        return value, length, int(correct)

    def count(self, loss: float, right: int, seen: int, rate: float, last: bool) -> dict[str, Any] | None:
        """Count a finished step.

        Args:
            loss: mean over the batch.
            right: number of images classified correctly.
            seen: number of images in the batch.
            last: whether the epoch ends with this step.

        Returns:
            The epoch's row of the history after its last step, else None.
        """
        self.step += 1
        if self.average:
            self.average.update(self.network, self.step)
        total, correct, images = self.running
        self.running = [total + loss * seen, correct + right, images + seen]
        if not last:
            return None
        total, correct, images = self.running
        self.history.append({"epoch": len(self.history) + 1, "step": self.step, "loss": total / images,
                             "accuracy": correct / images, "learning_rate": rate})
        self.running = [0.0, 0, 0]
        return self.history[-1]

    def end_epoch(self, monitor: OverfitMonitor, fired: bool) -> None:
        """Note in the history what the monitor found; if it `fired`, go back to the last epoch in which it did not."""
        entries, earlier = monitor.end_epoch(fired, self._learnt())
        self.history[-1].update(entries)
        if earlier is not None:
            self._restore(earlier)

    def save(self, folder: Path) -> None:
        """Write a checkpoint."""
        monitored = self.monitor.state() if self.monitor else {}
        save_checkpoint(folder, self.step, {"key": self.key, "history": self.history, "running": self.running,
                                            **self._learnt(), **monitored})

    def _learnt(self) -> dict[str, Any]:
        average = {"average": self.average.values} if self.average else {}
        return {"network": self.network.state_dict(), "optimiser": self.optimiser.state_dict(), **average}

    def _restore(self, state: dict[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(copy.deepcopy(state["optimiser"]))  # it would continue in these very tensors
        if self.average:
            self.average.load(state["average"])


def make_optimiser(network: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """Return the recipe's optimiser; vectors have no weight decay unless the recipe says so.

    Every group knows its `relative_rate`: the last layer, which starts at random where others were pretrained, may
    have another learning rate.
    """
    linear = [module for module in network.modules() if isinstance(module, nn.Linear)]
    last = {id(p) for p in linear[-1].parameters()} if linear and recipe.last_layer_rate != 1 else set()
    groups = []
    for relative_rate, chosen in ((1.0, False), (recipe.last_layer_rate, True)):
        parameters = [p for p in network.parameters() if p.requires_grad and (id(p) in last) == chosen]
        groups += [{"params": [p for p in parameters if (p.ndim > 1) == decayed], "relative_rate": relative_rate,
                    "weight_decay": recipe.weight_decay if decayed or recipe.decay_all else 0.0}
                   for decayed in (True, False)]
    groups = [group for group in groups if group["params"]]
    if recipe.optimiser == "adamw":
        return adamw(groups, lr=recipe.learning_rate)
    return sgd(groups, lr=recipe.learning_rate, momentum=recipe.momentum, nesterov=recipe.nesterov)
