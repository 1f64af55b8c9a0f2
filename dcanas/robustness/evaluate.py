"""Robust accuracy: the share of images that no attack of a list could get misclassified."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dcanas.basics.errors import Stopped, UserError
from dcanas.basics.hooks import QUIET, Hooks
from dcanas.robustness.attack import attacks as known
from dcanas.robustness.balls import ball_of
from dcanas.robustness.checks import check_count, check_eps, check_images, check_labels
from dcanas.robustness.draws import Draws
from dcanas.robustness.masking import MaskedGradientWarning, randomised, square_beats_apgd, zero_gradients
from dcanas.robustness.proportion import Proportion
from dcanas.robustness.records import Records, evaluation_key
from dcanas.robustness.suite import STANDARD, AttackSpec, read_suite
from dcanas.robustness.task import BATCH, Model, Task, evaluation, place


@dataclass(frozen=True)
class RobustAccuracy:
    """The result of an evaluation.

    Attributes:
        eps: in [0, 1] units of `norm`.
        clean: proportion of all images classified correctly without an attack.
        attacks: per attack, in order, the proportion of all images that are correct before and after it; if only
            survivors were passed on, it includes what the attacks before it misled.
        worst: proportion of all images that withstood everything.
        robust: (N,) bool, which images withstood everything.
        warnings: signs of masked gradients, one sentence each.
    """

    eps: float
    norm: str
    seed: int
    suite: tuple[AttackSpec, ...]
    survivors_only: bool
    clean: Proportion
    attacks: dict[str, Proportion]
    worst: Proportion
    robust: np.ndarray = field(repr=False)
    warnings: tuple[str, ...] = ()

    def __float__(self) -> float:
        return self.worst.value

    def as_json(self) -> dict[str, Any]:
        """Return plain values: the protocol and the shares with their intervals."""
        return {"eps": self.eps, "norm": self.norm, "seed": self.seed, "n": self.worst.count,
                "survivors_only": self.survivors_only, "clean": self.clean.as_json(),
                "attacks": [{"name": s.name, "attack": s.attack, "options": s.options,
                             **self.attacks[s.name].as_json()} for s in self.suite],
                "worst_case": self.worst.as_json(), "warnings": list(self.warnings)}


def robust_accuracy(model: Model, images: Any, labels: Any, attacks: Iterable[str | AttackSpec] = STANDARD,
                    eps: float = 8 / 255, *, norm: str = "linf", seed: int = 0, batch_size: int = BATCH,
                    survivors_only: bool = True, folder: Path | None = None, model_key: str | None = None,
                    hooks: Hooks = QUIET) -> RobustAccuracy:
    """Return clean accuracy, accuracy after each attack, and the worst case over all of them.

    Args:
        model: torch module, or any function from images to logits (N, classes).
        images: floats (N, C, H, W) in [0, 1], tensor or array.
        labels: class indices (N,).
        attacks: names (see `attack_spec`) or specifications; default: AutoAttack's list without FAB-T (Croce & Hein,
            ICML 2020).
        eps: size of the perturbation in [0, 1] units of `norm`.
        norm: "linf" or "l2".
        batch_size: images attacked at once.
        survivors_only: an attack gets the images that the attacks before it left standing (quick); otherwise every
            attack gets all images.
        folder: stores the results batch by batch; the same call continues from there.
        model_key: identifies the model in `folder` if it is a plain function.
        hooks: receive images done and to do after each batch; asked whether to stop.

    Raises `UserError` for bad input; `Stopped` if the hooks asked to stop.
    """
    return robust_curve(model, images, labels, attacks, [eps], norm=norm, seed=seed, batch_size=batch_size,
                        survivors_only=survivors_only, folder=folder, model_key=model_key, hooks=hooks)[0]


def robust_curve(model: Model, images: Any, labels: Any, attacks: Iterable[str | AttackSpec],
                 eps: Iterable[float], *, norm: str = "linf", seed: int = 0, batch_size: int = BATCH,
                 survivors_only: bool = True, among: Sequence[np.ndarray] | None = None, shipped: Model | None = None,
                 folder: Path | None = None, model_key: str | None = None,
                 hooks: Hooks = QUIET) -> list[RobustAccuracy]:
    """Return `robust_accuracy` at each eps, smallest first.

    A perturbation that misleads the model within a small ball lies in every larger one: images that fell at one eps
    stay fallen (for the attack that felled them), so that no share rises with eps.

    Args:
        eps: sizes of the perturbation in [0, 1] units of `norm`, at least one.
        among: per eps (N,) bool, the images that are attacked at all; the others count as misled. Thus a second model
            is attacked only on the images that withstood the attacks on a first one.
        shipped: the same network as a device executes it, a function from images to logits; attacks that need
            predictions only are run on it instead of `model` (`model_key` must identify both).

    All other arguments, and what is raised: see `robust_accuracy`.
    """
    suite, sizes = read_suite(attacks), sorted(eps)
    tensor = torch.as_tensor(images)
    check_images(tensor)
    target = torch.as_tensor(labels)
    check_labels(target, len(tensor))
    check_count("batch_size", batch_size)
    if not sizes:
        raise UserError("Robust accuracy needs at least one eps.")
    for size in sizes:
        check_eps(size, norm, tensor)
    run = _Evaluation(model, shipped or model, images, target, suite, norm, seed, batch_size, survivors_only, hooks)
    records = Records(folder, len(tensor))
    if folder is not None:
        records.open(evaluation_key(model, model_key, tensor, target, suite, norm, seed, survivors_only))
    results, fallen = [], {spec.name: torch.zeros(len(tensor), dtype=torch.bool) for spec in suite}
    found, right = run.inspect()
    for number, size in enumerate(sizes):
        asked = right if among is None else right & torch.from_numpy(among[number])
        results.append(run.at(size, right, asked, fallen, found, records))
    return results


@dataclass(frozen=True)
class _Evaluation:
    """What stays the same at every eps."""

    model: Model
    shipped: Model
    images: Any
    labels: Tensor
    suite: tuple[AttackSpec, ...]
    norm: str
    seed: int
    batch_size: int
    survivors_only: bool
    hooks: Hooks

    def task(self, part: Any, model: Model) -> Task:
        """Return a task on these images that changes nothing."""
        device = place(model, torch.as_tensor(self.images[:1]))
        arrays = isinstance(self.images, np.ndarray)
        images = torch.as_tensor(self.images[part]).to(device)
        return Task(model, images if images.dtype == torch.float64 else images.float(),
                    self.labels[part].to(device).long(), 0.0, ball_of(self.norm), Draws(self.seed, np.arange(0)),
                    arrays and not isinstance(model, torch.nn.Module))

    def inspect(self) -> tuple[list[str], Tensor]:
        """Return warnings from the first batch, and which images are classified rightly without an attack."""
        with evaluation(self.model):
            parts = [slice(i, i + self.batch_size) for i in range(0, len(self.labels), self.batch_size)]
            tasks = (self.task(part, self.model) for part in parts)
            right = torch.cat([~t.misclassified(t.images, t.labels).cpu() for t in tasks])
            first = self.task(parts[0], self.model)
            checks = [randomised(first)]
            if any(spec.needs_gradients for spec in self.suite):
                checks.append(zero_gradients(first))
        return [text for text in checks if text], right

    def at(self, eps: float, right: Tensor, asked: Tensor, fallen: dict[str, Tensor], found: list[str],
           records: Records) -> RobustAccuracy:
        """Run the list at one eps on the images asked for; `fallen` gains what each attack fells."""
        robust: dict[str, Tensor] = {}
        standing = asked & ~torch.stack(list(fallen.values())).any(0)
        after: dict[str, Proportion] = {}
        for spec in self.suite:
            candidates = standing if self.survivors_only else asked & ~fallen[spec.name]
            self._attack(spec, eps, candidates, fallen[spec.name], records)
            robust[spec.name] = ~fallen[spec.name]
            standing = standing & robust[spec.name]
            after[spec.name] = Proportion.of(standing if self.survivors_only else asked & robust[spec.name])
        beaten = square_beats_apgd(robust, {s.name: s.attack for s in self.suite})
        texts = (*found, *([beaten] if beaten else []))
        for text in texts:
            warnings.warn(text, MaskedGradientWarning, stacklevel=4)
        return RobustAccuracy(eps, self.norm, self.seed, self.suite, self.survivors_only, Proportion.of(right), after,
                              Proportion.of(standing), standing.numpy(), texts)

    def _attack(self, spec: AttackSpec, eps: float, candidates: Tensor, fallen: Tensor, records: Records) -> None:
        name, model = f"{spec.name} {eps!r}", self.model if spec.needs_gradients else self.shipped
        rows = candidates.nonzero()[:, 0]
        known_rows, known_fallen = records.known(name, rows)
        fallen[known_rows] |= known_fallen
        todo = rows[~torch.isin(rows, known_rows)]
        for start in range(0, len(todo), self.batch_size):
            part = todo[start:start + self.batch_size]
            images = self.images[part.numpy()] if isinstance(self.images, np.ndarray) else self.images[part]
            adversarial = known[spec.attack](model, images, self.labels[part], eps, norm=self.norm,
                                             seed=self.seed, indices=part.numpy(), batch_size=self.batch_size,
                                             **spec.options)
            with evaluation(model):  # evaluated anew, on what would be delivered
                task = self.task(part.numpy() if isinstance(self.images, np.ndarray) else part, model)
                changed = torch.as_tensor(adversarial).to(task.images)
                fooled = task.misclassified(changed, task.labels).cpu()
            fallen[part] |= fooled
            records.add(name, part, fooled)
            done = len(rows) - len(todo) + start + len(part)
            self.hooks.progress(done, len(rows), spec.name)
            if self.hooks.should_stop() and start + self.batch_size < len(todo):
                raise Stopped(f"stopped after {done} of {len(rows)} images of {spec.name}")
