"""The network and the file that a device's folder holds, as they are delivered."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from dcanas.basics.checkpoints import load_weights
from dcanas.export.classifier import Classifier, Normalise
from dcanas.hardware import Profile
from dcanas.pipeline.context import Context
from dcanas.report.kinds import read_result
from dcanas.spaces import load_space
from dcanas.training import Dataset

FILES = {"fp32": "model.onnx", "int8": "model.int8.onnx"}
WEIGHTS, INT8_WEIGHTS = "weights.pt", "weights.int8.pt"  # the second if fine-tuning for int8 was of use
CODE = "c99"  # folder of a microcontroller's C files
ROBUSTNESS = "robustness/delivered.json"  # there if it is wanted or limited; `dcanas attack` adds others beside it


def own_images(run: Context, folder: Path) -> Dataset:
    """Return the run's data set with images of the size that the network of a folder takes."""
    return images_for(run, read_result(folder / "architecture.json"))


def images_for(run: Context, derived: Mapping[str, Any]) -> Dataset:
    """Return what `own_images` does for the content of an `architecture.json`."""
    space = load_space(derived["space"])
    dataset = run.dataset.at(tuple(derived["size"])) if "size" in derived else run.dataset
    _, height, width = space.input_shape(space.parse(derived["architecture"]), dataset.shape, **derived["skeleton"])
    return dataset.at((height, width))


def trained_model(run: Context, folder: Path) -> nn.Module:
    """Return the trained network of a folder of the run, in evaluation mode on the CPU.

    Shape: float32 (N, C, H, W) in [0, 1] -> logits (N, classes).
    """
    return _with_weights(folder, WEIGHTS, run.dataset.shape[0], len(run.dataset.classes))


def delivered_model(folder: Path, channels: int, classes: int) -> nn.Module:
    """Return the network behind the delivered file: the trained one, or what fine-tuning for int8 has made of it.

    Args:
        folder: of the run, with what `delivered_file` reads.
        channels, classes: of its images.
    """
    tuned = delivered_file(folder).get("precision", {}).get("fine_tuned", {})
    return _with_weights(folder, INT8_WEIGHTS if tuned.get("kept") else WEIGHTS, channels, classes)


def _with_weights(folder: Path, name: str, channels: int, classes: int) -> nn.Module:
    derived = read_result(folder / "architecture.json")
    space = load_space(derived["space"])
    network = space.build(space.parse(derived["architecture"]), classes, channels,
                          **space.delivered_skeleton(derived["skeleton"]))
    model = Classifier(Normalise((0.0,) * channels, (1.0,) * channels), network)
    trained = load_weights(folder / name)  # more of them if something served training only
    model.load_state_dict({name: trained[name] for name in model.state_dict()})
    return model.eval()


def delivered_file(folder: Path) -> dict[str, Any]:
    """Return what is known of the delivered file: `int8.json` if int8 was chosen, else `export.json`."""
    quantised = folder / "int8.json"
    int8 = quantised.exists() and read_result(quantised)["precision"]["delivered"] == "int8"
    found: dict[str, Any] = read_result(quantised if int8 else folder / "export.json")
    return found


def code_files(folder: Path) -> list[Path]:
    """Return the C files of a microcontroller's network, in the order of their names; none on other devices."""
    return sorted((folder / CODE).glob("*.[ch]")) if (folder / "proof.json").exists() else []


def delivered_profile(folder: Path) -> Profile:
    """Return the measurement of the delivered file."""
    if delivered_file(folder)["onnx"] == FILES["int8"]:
        return Profile.from_json(read_result(folder / "int8_profiles.json")["int8"])
    return Profile.from_json(read_result(folder / "profile.json"))
