"""Networks trained by the full recipe on a training split and judged on its validation split, several at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dcanas.basics.fan_out.fan_out import fan_out
from dcanas.basics.hooks import Hooks
from dcanas.basics.keys import derive_seed, key_of
from dcanas.basics.ledger import Ledger
from dcanas.export.classifier import Classifier
from dcanas.pipeline.context import Context
from dcanas.pipeline.delivered import images_for
from dcanas.pipeline.train import initial_model, recipe_for
from dcanas.search.adversarial import adversarial_attack
from dcanas.search.validation import validate_each
from dcanas.spaces import load_space
from dcanas.training import Dataset, Recipe, train

RIGHT = "right"  # one bit per validation image, as hexadecimal digits


class Wanted(NamedTuple):
    """A network to train and to judge.

    Attributes:
        derived: content of its `architecture.json`.
        dataset: the run's, with splits of its own if need be.
        split: name of the split, which decides the order of the images too.
    """

    derived: Mapping[str, Any]
    dataset: Dataset
    split: str


class FullTraining(NamedTuple):
    """A network as its training starts, and all that the training needs; folder: of the checkpoints."""

    model: Classifier
    dataset: Dataset
    recipe: Recipe
    seed: int
    folder: Path


def validated(run: Context, folder: Path, title: str, wanted: Sequence[Wanted]) -> list[dict[str, float]]:
    """Return `validation_accuracy` and `validation_loss` of networks trained by the full recipe on a training split.

    Args:
        folder: keeps every training as soon as it is done; none is repeated.
        title: of the stage, if there is something to train.
    """
    known = Ledger(folder / "trainings.json")
    names = [_name(each) for each in wanted]
    missing = {name: _training(run, folder, name, each) for name, each in zip(names, wanted, strict=True)
               if name not in known}
    if missing:
        with run.stage(title) as hooks:
            for name, found in fan_out(run.engine, train_and_judge, missing, folder, hooks, "trainings",
                                       device=str(run.compute)):
                known[name] = found
    return [{key: value for key, value in known[name].items() if key != RIGHT} for name in names]


def right_answers(folder: Path, wanted: Wanted) -> NDArray[np.bool_] | None:
    """Return for each image of the validation split whether a network that `validated` knows is right about it, (N,).

    None if an older version trained it.
    """
    stored = Ledger(folder / "trainings.json")[_name(wanted)].get(RIGHT)
    if stored is None:
        return None
    bits = np.frombuffer(bytes.fromhex(stored), np.uint8)
    return np.unpackbits(bits, count=len(wanted.dataset.validation)).astype(bool)


def train_and_judge(item: FullTraining, hooks: Hooks, device: str) -> dict[str, Any]:
    """Train a network in place and return what `validate` says of it, and which images it is right about."""
    train(item.model, item.dataset, item.dataset.train, item.recipe, item.seed, folder=item.folder, hooks=hooks,
          device=device, attack=adversarial_attack(item.recipe))
    found, right = validate_each(item.model, item.dataset, device)
    return {**found, RIGHT: np.packbits(right).tobytes().hex()}


def _name(wanted: Wanted) -> str:
    derived = wanted.derived
    skeleton = load_space(derived["space"]).complete_skeleton(dict(derived["skeleton"]))
    built = key_of(skeleton, derived.get("size"))  # one architecture may be built in several widths
    return f"{derived['space']} {derived['architecture']}, {built}, {wanted.split}"


def _training(run: Context, folder: Path, name: str, wanted: Wanted) -> FullTraining:
    derived, divided = wanted.derived, wanted.dataset
    dataset = replace(images_for(run, derived), train=divided.train, validation=divided.validation)
    return FullTraining(initial_model(run, derived), dataset, recipe_for(run, derived),
                        derive_seed(run.settings.seed, wanted.split), folder / "trainings" / key_of(name))
