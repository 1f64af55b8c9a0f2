"""The network and the file that a device's folder holds: built, with its weights, and as it is delivered."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from dcanas.basics.checkpoints import load_weights
from dcanas.basics.files import read_json
from dcanas.basics.keys import derive_seed
from dcanas.export.classifier import Classifier, Normalise
from dcanas.hardware import Profile
from dcanas.pipeline.context import Context
from dcanas.spaces import load_space

FILES = {"fp32": "model.onnx", "int8": "model.int8.onnx"}


def fresh_model(run: Context, derived: Mapping[str, Any]) -> nn.Module:
    """Return the network that an `architecture.json` names, behind its input normalisation, with the weights that the
    run's seed gives it."""
    dataset, space = run.dataset, load_space(derived["space"])
    torch.manual_seed(derive_seed(run.settings.seed, "weights"))
    network = space.build(space.parse(derived["architecture"]), len(dataset.classes), dataset.shape[0],
                          **derived["skeleton"])
    return Classifier(Normalise(dataset.mean, dataset.std), network)


def trained_model(run: Context, folder: Path) -> nn.Module:
    """Return the trained network of a folder as it is delivered, in evaluation mode on the CPU."""
    return read_model(folder, run.dataset.shape[0], len(run.dataset.classes))


def read_model(folder: Path, channels: int, classes: int) -> nn.Module:
    """Return the trained network of a folder as `trained_model` does, for this number of input channels and classes."""
    derived = read_json(folder / "architecture.json")
    space = load_space(derived["space"])
    network = space.build(space.parse(derived["architecture"]), classes, channels, **delivered_skeleton(derived))
    model = Classifier(Normalise((0.0,) * channels, (1.0,) * channels), network)
    trained = load_weights(folder / "weights.pt")  # more of them if something served training only
    model.load_state_dict({name: trained[name] for name in model.state_dict()})
    return model.eval()


def delivered_skeleton(derived: Mapping[str, Any]) -> dict[str, Any]:
    """Return the skeleton of the delivered network that an `architecture.json` names."""
    return load_space(derived["space"]).delivered_skeleton(derived["skeleton"])


def delivered_file(folder: Path) -> dict[str, Any]:
    """Return what is known of the file that is delivered: `int8.json` if int8 was chosen, else `export.json`."""
    int8 = folder / "int8.json"
    if int8.exists() and read_json(int8)["precision"]["delivered"] == "int8":
        return read_json(int8)
    return read_json(folder / "export.json")


def delivered_profile(folder: Path) -> Profile:
    """Return the measurement of the file that is delivered."""
    if delivered_file(folder)["onnx"] == FILES["int8"]:
        return Profile.from_json(read_json(folder / "int8_profiles.json")["int8"])
    return Profile.from_json(read_json(folder / "profile.json"))
