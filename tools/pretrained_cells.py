"""What the tables of `study_pretrained` share: results kept as soon as they are there, the recipe, the split."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import torch

from dcanas.basics.keys import derive_seed
from dcanas.export.classifier import Classifier, Normalise
from dcanas.pretrained import PretrainedParts, PretrainedSettings, load_pretrained
from dcanas.training import Dataset, DataSpec, Recipe, load_data
from dcanas.training.look_alikes import groups_of, regroup

BASE = Recipe(epochs=32, batch_size=64, optimiser="adamw", learning_rate=3e-3, weight_decay=0.05, warmup_epochs=1)


class Cells:
    """Results by key, kept in a file of JSON lines as soon as they are there."""

    def __init__(self, path: Path):
        self.path = path
        self.known = {cell["key"]: cell for cell in map(json.loads, path.read_text().splitlines())} \
            if path.exists() else {}

    def get(self, key: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Return the result of a key, made now or before."""
        if key not in self.known:
            self.known[key] = {"key": key, **make()}
            with self.path.open("a") as file:
                file.write(json.dumps(self.known[key]) + "\n")
        return self.known[key]


@cache
def parts() -> PretrainedParts:
    """Return the parts of EfficientNet-Lite0 with its ImageNet weights."""
    return PretrainedParts(load_pretrained(PretrainedSettings("efficientnet_lite0")))


def network_of(text: str, classes: int, seed: int) -> Classifier:
    """Return a part with its ImageNet weights, normalisation inside."""
    torch.manual_seed(derive_seed(seed, "network"))
    network = parts().build(parts().parse(text), classes, 3, **parts().pretrained.skeleton)
    return Classifier(Normalise(*parts().pretrained.source.normalisation(3)), network)


def cut_after(stages: int, px: int) -> str:
    """Return EfficientNet-Lite0 without the stages after so many and without the head's convolution."""
    whole = parts().whole
    return parts().format(parts().encode(whole._replace(resolution=px, stages=whole.stages[:stages], head=0)))


@cache
def grouped(folder: Path, px: int, share: float = 0.2) -> Dataset:
    """Return the images of a folder, `share` of each class, whole groups of look-alikes, kept for validation."""
    spec = DataSpec("folder", root=str(folder), size=px, channels=3)
    dataset = load_data(spec)
    return regroup(dataset, groups_of(dataset, spec, parts().pretrained), share, seed=0)
