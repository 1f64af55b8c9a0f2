"""Train: the derived architecture on all that may be learnt from, then one look at the test split."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from dcanas.basics.checkpoints import save_weights
from dcanas.basics.fan_out.fan_out import fan_out
from dcanas.basics.files import write_json
from dcanas.basics.hooks import QUIET, Hooks
from dcanas.basics.keys import derive_seed, plain
from dcanas.basics.manifest import write_result
from dcanas.export.classifier import Classifier, Normalise
from dcanas.pipeline.context import Context
from dcanas.pipeline.delivered import own_images
from dcanas.pipeline.distributed import together
from dcanas.pipeline.logged import Logged
from dcanas.pipeline.opened import remote_context
from dcanas.pretrained import PretrainedParts
from dcanas.report.kinds import read_result
from dcanas.search.adversarial import adversarial_attack
from dcanas.search.first_few import begun_key, begun_training
from dcanas.search.handmade import PRETRAINED
from dcanas.spaces import Space, load_space
from dcanas.training import Dataset, Recipe, predict, summarise
from dcanas.training import train as fit_network
from dcanas.training.confusion import packed_confusion
from dcanas.training.mistakes import worst_mistakes
from dcanas.training.ranks import ALONE, Ranks
from dcanas.training.start import find_start

DONE = "train.json"


def train(run: Context) -> dict[str, dict[str, Any]]:
    """Return `train.json` by device, of the network trained now or before; those of several devices are tasks."""
    folders = {device.name: run.device_folder(device) for device in run.devices}
    _train_together(run, {name: folder for name, folder in folders.items() if not (folder / DONE).exists()})
    return {name: train_network(run, folder, f"Train for {name}") for name, folder in folders.items()}


def _train_together(run: Context, folders: Mapping[str, Path]) -> None:
    """Bring the trainings of several networks to their last checkpoint, from which `train_network` goes on."""
    if len(folders) < 2 or run.ranks.count > 1:
        return
    items = {name: _prepared(run, folder, QUIET)[0] for name, folder in folders.items()}
    with run.stage(f"Train for {', '.join(folders)}") as hooks:
        for name, history in fan_out(run.engine, _bring_to_its_end, items, run.folder / "derived", hooks, "trainings",
                                     device=str(run.compute)):
            log = Logged(QUIET, run.log, _log_of(run, folders[name]))
            for row in history:
                log.epoch(row["step"], row)


def _bring_to_its_end(training: FinalTraining, hooks: Hooks, device: str) -> list[dict[str, Any]]:
    return training.fit(hooks, device, ALONE)


def _log_of(run: Context, folder: Path) -> str:
    """Return the name of a training's history among the run's scalars."""
    return f"train/{folder.relative_to(run.folder / 'derived').as_posix()}"


def train_network(run: Context, folder: Path, title: str) -> dict[str, Any]:
    """Return `train.json` of the network that `architecture.json` in `folder` names, trained now or before."""
    done = folder / DONE
    if before := run.made_before(done, title):
        return before
    dataset = own_images(run, folder)
    start = time.monotonic()
    others = together("train", run.message(folder)) if run.ranks.count > 1 else nullcontext()
    with run.stage(title, _log_of(run, folder)) as hooks, others:
        model, made = _fit(run, folder, hooks)
    seconds = time.monotonic() - start
    save_weights(folder / "weights.pt", model.state_dict())
    logits = predict(model, dataset, dataset.test, device=run.compute)
    write_json(folder / "mistakes.json", worst_mistakes(dataset, logits))
    found = summarise(dataset.labels[dataset.test], logits.argmax(axis=1), dataset.classes)
    value = {**found, "confusion": packed_confusion(found["confusion"]), "split": "test",
             "trained_on": {"train": len(dataset.train), "validation": len(dataset.fit_indices) - len(dataset.train)},
             "seconds": seconds, **made}
    write_result(run.folder, done, value, "train", [folder / "weights.pt", folder / "mistakes.json"])
    return value


def train_with_others(message: Mapping[str, Any]) -> None:
    """Train together with the first process, which sent `Context.message`."""
    _fit(remote_context(message), Path(message["folder"]), QUIET)


def _fit(run: Context, folder: Path, hooks: Hooks) -> tuple[nn.Module, dict[str, Any]]:
    """Return the trained network, and what `train.json` says of its training: given weights and the history."""
    training, pretrained = _prepared(run, folder, hooks)
    history = training.fit(hooks, run.compute, run.ranks)
    return training.model, {**pretrained, "history": history}


@dataclass(frozen=True)
class FinalTraining:
    """A network as its training starts, and all that the training needs.

    Attributes:
        folder: of the checkpoints.
        begun: see `dcanas.training.train`.
    """

    model: Classifier
    dataset: Dataset
    recipe: Recipe
    seed: int
    folder: Path
    begun: dict[str, Any] | None

    def fit(self, hooks: Hooks, device: str | torch.device, ranks: Ranks) -> list[dict[str, Any]]:
        """Train the network in place and return the history."""
        return fit_network(self.model, self.dataset, self.dataset.fit_indices, self.recipe, self.seed,
                           folder=self.folder, hooks=hooks, device=device, ranks=ranks,
                           attack=adversarial_attack(self.recipe), begun=self.begun)


def _prepared(run: Context, folder: Path, hooks: Hooks) -> tuple[FinalTraining, dict[str, Any]]:
    """Return the training of the network in `folder`, and what `train.json` says of weights that were given."""
    derived = read_result(folder / "architecture.json")
    model, recipe = initial_model(run, derived), recipe_for(run, derived)
    dataset = own_images(run, folder)
    pretrained = {"pretrained": plain(find_start(model, recipe.init).record)} if recipe.init else {}
    space = space_of(run, derived)
    if isinstance(space, PretrainedParts):
        pretrained = {"pretrained": plain(space.taken_over(space.parse(derived["architecture"]), dataset.shape[0]))}
    begun = None
    if told := derived.get("provenance", {}).get("begun"):
        key = begun_key(space, space.parse(derived["architecture"]), run.dataset, recipe, derived["skeleton"])
        begun = begun_training(folder, derived, key)
        hooks.message(f"goes on from the {told['epochs']} epochs of its short training" if begun else
                      "starts anew: the data or the recipe are not those of its short training, or it is not here")
    return FinalTraining(model, dataset, recipe, derive_seed(run.settings.seed, "train"), folder / "training",
                         begun), pretrained


def recipe_for(run: Context, derived: Mapping[str, Any]) -> Recipe:
    """Return the recipe of the network in an `architecture.json`; given weights are not meant for other families."""
    recipe = run.settings.train
    return recipe if derived.get("family", PRETRAINED) == PRETRAINED else recipe.from_scratch()


def space_of(run: Context, derived: Mapping[str, Any]) -> Space:
    """Return the space that builds the network of an `architecture.json` as its training starts: with its weights, if
    it is a part of the pretrained network."""
    return run.space if derived.get("family", PRETRAINED) == PRETRAINED else load_space(derived["space"])


def initial_model(run: Context, derived: Mapping[str, Any]) -> Classifier:
    """Return the network of an `architecture.json` as training starts from it, behind its input normalisation.

    The run's seed gives it its weights, apart from those that a searched network inherits from its search.
    """
    dataset, space = run.dataset, space_of(run, derived)
    torch.manual_seed(derive_seed(run.settings.seed, "weights"))
    network = space.build(space.parse(derived["architecture"]), len(dataset.classes), dataset.shape[0],
                          **derived["skeleton"])
    model = Classifier(Normalise(*dataset.moments), network)
    if "family" not in derived:  # a hand-made network inherits nothing
        run.method.inherit(run.task(), network)
    return model
