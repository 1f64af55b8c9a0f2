"""Robust accuracy: the share of images that are classified correctly under every attack of a list."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from dcanas.basics.errors import UserError
from dcanas.basics.fan_out.engine import Engine
from dcanas.basics.fan_out.fan_out import fan_out
from dcanas.basics.hooks import QUIET, Hooks
from dcanas.robustness.batches import Batches
from dcanas.robustness.checks import check_count, check_eps, check_images, check_labels
from dcanas.robustness.masking import MaskedGradientWarning, randomised, square_beats_apgd, zero_gradients
from dcanas.robustness.proportion import Proportion
from dcanas.robustness.records import Records, evaluation_key
from dcanas.robustness.suite import STANDARD, AttackSpec, read_suite
from dcanas.robustness.task import BATCH, Model, evaluation, misclassified, tasks


@dataclass(frozen=True)
class RobustAccuracy:
    """The result of an evaluation.

    Attributes:
        eps: in [0, 1] units of `norm`.
        clean: proportion of all images that are classified correctly without an attack.
        attacks: per attack, in order, the proportion of all images that are classified correctly after it and those
            before it.
        worst: proportion of all images that withstood every attack.
        robust: (N,) bool, which images withstood every attack.
        warnings: signs of masked gradients, one sentence each.
    """

    eps: float
    norm: str
    seed: int
    suite: tuple[AttackSpec, ...]
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
                "survivors_only": True, "clean": self.clean.as_json(),
                "attacks": [{"name": s.name, "attack": s.attack, "options": s.options,
                             **self.attacks[s.name].as_json()} for s in self.suite],
                "worst_case": self.worst.as_json(), "warnings": list(self.warnings)}


def robust_accuracy(model: Model, images: Any, labels: Any, attacks: Iterable[str | AttackSpec] = STANDARD,
                    eps: float = 8 / 255, **options: Any) -> RobustAccuracy:
    """Return clean accuracy, accuracy after each attack, and the worst case over all of them.

    Args:
        model: torch module, or any function from images to logits (N, classes).
        images: floats (N, C, H, W) in [0, 1], tensor or array.
        labels: class indices (N,).
        attacks: names (see `attack_spec`) or specifications; default: AutoAttack's list without FAB-T (Croce & Hein,
            ICML 2020).
        eps: size of the perturbation in [0, 1] units of `norm`.
        options: `norm` and the other keyword arguments of `robust_curve`.

    Raises:
        UserError: for invalid input.
        Stopped: the hooks asked to stop.
    """
    return robust_curve(model, images, labels, attacks, [eps], **options)[0]


def robust_curve(model: Model, images: Any, labels: Any, attacks: Iterable[str | AttackSpec],
                 eps: Iterable[float], *, norm: str = "linf", seed: int = 0, batch_size: int = BATCH,
                 among: Sequence[np.ndarray] | None = None, shipped: Model | None = None,
                 folder: Path | None = None, model_key: str | None = None, engine: Engine | None = None,
                 hooks: Hooks = QUIET) -> list[RobustAccuracy]:
    """Return `robust_accuracy` at each eps, smallest first.

    A perturbation that misleads the model within a small ball lies in every larger one: an image that is misclassified
    at one eps counts as misclassified at every larger one (by the same attack), so that no share rises with eps. An
    attack gets the images that the attacks before it did not mislead.

    Args:
        model, images, labels, attacks: see `robust_accuracy`.
        eps: sizes of the perturbation in [0, 1] units of `norm`, at least one.
        norm: "linf" or "l2".
        batch_size: images attacked at once.
        among: per eps (N,) bool, the images that are attacked at all; the others count as misclassified. Thus a second
            model is attacked only on the images that withstood the attacks on a first one.
        shipped: the same network as a device executes it, a function from images to logits; attacks that need
            predictions only are run on it instead of `model` (`model_key` must identify both).
        folder: stores the results batch by batch; the same call continues from there.
        model_key: identifies the model in `folder` if it is a plain function.
        engine: where batches are attacked, several at once; it needs a folder, and models that can be pickled. None:
            one after the other in this process, with the threads that torch has.
        hooks: receive batches done and to do; asked whether to stop.

    Raises:
        UserError: for invalid input.
        Stopped: the hooks asked to stop.
    """
    suite, sizes = read_suite(attacks), sorted(eps)
    tensor, target = torch.as_tensor(images), torch.as_tensor(labels)
    check_images(tensor)
    check_labels(target, len(tensor))
    check_count("batch_size", batch_size)
    if not sizes:
        raise UserError("Robust accuracy needs at least one eps.")
    for size in sizes:
        check_eps(size, norm, tensor)
    key = "" if folder is None else evaluation_key(model, model_key, tensor, target, suite, norm, seed, True)
    if engine is None:
        engine = Engine(workers=1, threads=torch.get_num_threads())
    elif folder is None:
        raise UserError("Robust accuracy on an engine needs a folder, through which its processes get the images.")
    run = _Evaluation(Batches(model, shipped or model, images, target, norm, seed, batch_size), suite, hooks,
                      Records(folder, len(tensor), key), engine, folder or Path())
    results, fallen = [], {spec.name: torch.zeros(len(tensor), dtype=torch.bool) for spec in suite}
    right, found = ~misclassified(model, images, target, batch_size), run.signs_of_masking()
    for number, size in enumerate(sizes):
        asked = right if among is None else right & torch.from_numpy(among[number])
        results.append(run.at(size, right, asked, fallen, found))
    return results


@dataclass(frozen=True)
class _Evaluation:
    """What stays the same at every eps."""

    batches: Batches
    suite: tuple[AttackSpec, ...]
    hooks: Hooks
    records: Records
    engine: Engine
    folder: Path

    def signs_of_masking(self) -> list[str]:
        """Return warnings from the first batch."""
        model, batches = self.batches.model, self.batches
        with evaluation(model):
            _, first = next(tasks(model, batches.images, batches.labels, batches.batch_size))
            checks = [randomised(first)]
            if any(spec.needs_gradients for spec in self.suite):
                checks.append(zero_gradients(first))
        return [text for text in checks if text]

    def at(self, eps: float, right: Tensor, asked: Tensor, fallen: dict[str, Tensor],
           found: list[str]) -> RobustAccuracy:
        """Run the attacks at one eps on the images `asked`; what each misleads is added to `fallen`."""
        standing = asked & ~torch.stack(list(fallen.values())).any(0)
        after: dict[str, Proportion] = {}
        for spec in self.suite:
            self._attack(spec, eps, standing, fallen[spec.name])
            standing = standing & ~fallen[spec.name]
            after[spec.name] = Proportion.of(standing)
        beaten = square_beats_apgd({name: ~mask for name, mask in fallen.items()},
                                   {spec.name: spec.attack for spec in self.suite})
        texts = (*found, *([beaten] if beaten else []))
        for text in texts:
            warnings.warn(text, MaskedGradientWarning, stacklevel=4)
        return RobustAccuracy(eps, self.batches.norm, self.batches.seed, self.suite, Proportion.of(right), after,
                              Proportion.of(standing), standing.numpy(), texts)

    def _attack(self, spec: AttackSpec, eps: float, candidates: Tensor, fallen: Tensor) -> None:
        name, batch_size = f"{spec.name} {eps!r}", self.batches.batch_size
        rows = candidates.nonzero()[:, 0]
        known_rows, known_fallen = self.records.known(name, rows)
        fallen[known_rows] |= known_fallen
        todo = rows[~torch.isin(rows, known_rows)].numpy()
        parts = {f"{name}, images from {start}": todo[start:start + batch_size]
                 for start in range(0, len(todo), batch_size)}
        items = {batch: (spec, eps, part) for batch, part in parts.items()}
        before = -(-len(known_rows) // batch_size)
        for batch, fooled in fan_out(self.engine, self.batches, items, self.folder, self.hooks,
                                     f"batches of {spec.name}", self._device, done=before,
                                     total=before + len(items), short=True):
            part = torch.from_numpy(parts[batch])
            fallen[part] |= torch.tensor(fooled)
            self.records.add(name, part, torch.tensor(fooled))

    @property
    def _device(self) -> str:
        model = self.batches.model
        parameter = next(model.parameters(), None) if isinstance(model, nn.Module) else None
        return "cpu" if parameter is None else str(parameter.device)
