"""Train: the derived architecture from scratch on train and validation, then one look at the test split."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from dcanas.basics.checkpoints import load_weights
from dcanas.basics.files import read_json, write_json
from dcanas.basics.keys import derive_seed
from dcanas.export.classifier import Classifier, Normalise
from dcanas.hardware import Device
from dcanas.pipeline.crew import call, ranks
from dcanas.pipeline.session import Session
from dcanas.pipeline.stages.deriving import derived_folder, run_derive
from dcanas.pipeline.stages.evolving import inheritance
from dcanas.pipeline.stages.records import record_mistakes
from dcanas.pipeline.stages.weights import save_weights
from dcanas.search.adversarial import hardening
from dcanas.spaces import load_space
from dcanas.training import Progress, Recipe, predict, summarise, train


def run_train(session: Session, device: Device) -> dict[str, Any]:
    """Return `train.json` of the device's network, trained now or before."""
    run_derive(session, device)
    return train_network(session, derived_folder(session, device), f"Train for {device.name}")


def train_network(session: Session, folder: Path, title: str) -> dict[str, Any]:
    """Return `train.json` of the network that `architecture.json` in `folder` names, trained now or before."""
    done = folder / "train.json"
    if done.exists():
        session.display.say(f"{title}: done before ({done})")
        return read_json(done)
    dataset = session.dataset
    start = time.monotonic()
    with session.display.stage(title) as bar, session.interrupts.between_steps():

        def on_step(progress: Progress) -> None:
            bar.update(progress.step, progress.steps, f"epoch {progress.epoch}, loss {progress.loss:.3f}")
            if progress.row:
                inside = folder.relative_to(session.folder / "derived").as_posix()
                session.log.write(f"train/{inside}", progress.step, progress.row)

        call("train", session.command, folder)
        model, history = fit(session, folder, on_step)
    seconds = time.monotonic() - start
    save_weights(folder / "weights.pt", model)
    logits = predict(model, dataset, dataset.test, device=session.compute)
    record_mistakes(session, folder, logits)
    value = {**summarise(dataset.labels[dataset.test], logits.argmax(axis=1), dataset.classes), "split": "test",
             "trained_on": {"train": len(dataset.train), "validation": len(dataset.fit_indices) - len(dataset.train)},
             "seconds": seconds, "history": history}
    write_json(done, value)
    return value


def fit(session: Session, folder: Path, on_step: Callable[[Progress], None] = lambda progress: None,
        ) -> tuple[nn.Module, list[dict[str, Any]]]:
    """Train the network of a folder, together with the other ranks if there are some; return it and its history."""
    derived = read_json(folder / "architecture.json")
    model = first_model(session, derived)
    recipe = recipe_for(session, derived)
    history = train(model, session.dataset, session.dataset.fit_indices, recipe,
                    derive_seed(session.settings.seed, "train"), folder / "training", on_step,
                    session.interrupts.should_stop, session.compute, ranks(), hardening(recipe))
    return model, history


def recipe_for(session: Session, derived: Mapping[str, Any]) -> Recipe:
    """Return the recipe of a network; given weights are meant for the searched one."""
    recipe = session.settings.train
    return recipe.from_scratch() if "family" in derived else recipe


def first_model(session: Session, derived: Mapping[str, Any]) -> nn.Module:
    """Return the model that training starts from: fresh, or with what a searched network inherits from its supernet."""
    model = fresh_model(session, derived)
    if "family" not in derived:  # a hand-made network inherits nothing
        inheritance(session)(model.get_submodule("network"))
    return model


def fresh_model(session: Session, derived: Mapping[str, Any]) -> nn.Module:
    """Return the network that an `architecture.json` names, behind its input normalisation, with the weights the run's
    seed gives it."""
    dataset, space = session.dataset, load_space(derived["space"])
    torch.manual_seed(derive_seed(session.settings.seed, "weights"))
    network = space.build(space.parse(derived["architecture"]), len(dataset.classes), dataset.shape[0],
                          **derived["skeleton"])
    return Classifier(Normalise(dataset.mean, dataset.std), network)


def trained_model(session: Session, folder: Path) -> nn.Module:
    """Return the trained network of a folder as it is delivered, in evaluation mode on the CPU."""
    derived = read_json(folder / "architecture.json")
    model = fresh_model(session, {**derived, "skeleton": delivered_skeleton(derived)})
    trained = load_weights(folder / "weights.pt")  # more where something served training only
    model.load_state_dict({name: trained[name] for name in model.state_dict()})
    return model.eval()


def delivered_skeleton(derived: Mapping[str, Any]) -> dict[str, Any]:
    """Return the skeleton of the delivered network that an `architecture.json` names."""
    return load_space(derived["space"]).delivered_skeleton(derived["skeleton"])
