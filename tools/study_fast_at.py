"""What robustness costs and what it buys: plain training, `fast_at` and AugMix, by PGD-20 and the 15 corruptions.

    uv run python tools/study_fast_at.py digits --out runs/fast_at
    uv run python tools/study_fast_at.py cifar10 --out runs/fast_at     # real images in DCANAS_TABLES

The same NAS-Bench-201 network and schedule for each recipe, seeds 0 to 2, trained on the training images, judged on
images of the test split, which decided nothing. A run that was stopped goes on; what is done is not done again.
"""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from bench_attacks import ARCHITECTURES, cifar_subset

from dcanas.basics.files import read_json, write_json
from dcanas.export.classifier import Classifier, Normalise
from dcanas.robustness import attack_spec, corruption_accuracy, robust_accuracy
from dcanas.search.adversarial import hardening
from dcanas.spaces import load_space
from dcanas.training import Dataset, DataSpec, Recipe, load_data, train
from dcanas.training.recipe_parts import Adversarial, Colour

EPS_255 = {"digits": 25.5, "cifar10": 8.0}
BASE = {"digits": Recipe(epochs=25, batch_size=32, crop_padding=0, rotation=10.0, zoom=0.1, label_smoothing=0.0),
        "cifar10": Recipe(epochs=10, batch_size=64, label_smoothing=0.0)}
CIFAR_TRAIN, CIFAR_TEST = 4000, 500


def recipes(name: str) -> dict[str, Recipe]:
    plain = BASE[name]
    return {"plain": plain, "fast_at": replace(plain, adversarial=Adversarial("fast_at", EPS_255[name])),
            "augmix": replace(plain, colour=Colour(auto_augment="augmix"))}


def one(name: str, data: Dataset, recipe: Recipe, seed: int, folder: Path,
        severities: tuple[int, ...]) -> dict[str, Any]:
    """Train and judge one network; return its shares."""
    space = load_space("nasbench201")
    torch.manual_seed(seed)
    network = Classifier(Normalise(data.mean, data.std), space.build(
        space.parse(ARCHITECTURES[name]), len(data.classes), data.shape[0], channels=8, cells=1))
    history = train(network, data, data.train, recipe, seed, folder / "training", harden=hardening(recipe))
    images, labels = data.images[data.test].astype(np.float32) / 255, data.labels[data.test]
    with warnings.catch_warnings():  # of masked gradients: in the result too
        warnings.simplefilter("ignore")
        found = robust_accuracy(network, images, labels, [attack_spec("pgd", steps=20)], EPS_255[name] / 255)
    corrupted = corruption_accuracy(network, images, labels, severities=severities)
    return {"clean": found.clean.value, "pgd20": found.worst.value, "corrupted": corrupted.mean, "n": len(labels),
            "alarms": sum(row.get("overfitting", False) for row in history), "warnings": list(found.warnings)}


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", choices=list(BASE))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--recipes", nargs="+", default=["plain", "fast_at", "augmix"])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--severities", type=int, nargs="+", default=[1, 3, 5])
    parser.add_argument("--tables", type=Path, default=os.environ.get("DCANAS_TABLES"))
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    if options.data == "cifar10" and options.tables is None:
        parser.error("DCANAS_TABLES does not name the folder of real images; give --tables")
    data = load_data(DataSpec()) if options.data == "digits" else cifar_subset(options.tables, CIFAR_TRAIN, CIFAR_TEST)
    print(f"{options.data}: {len(data.train)} training, {len(data.test)} test images, eps "
          f"{EPS_255[options.data]:g}/255, severities {options.severities}\n\n"
          "| recipe | clean % | PGD-20 % | corrupted % | alarms |\n|---|---|---|---|---|", flush=True)
    for label in options.recipes:
        recipe, rows = recipes(options.data)[label], []
        for seed in range(options.seeds):
            folder = options.out / options.data / f"{label}-{seed}"
            done = folder / "result.json"
            if not done.exists():
                write_json(done, one(options.data, data, recipe, seed, folder, tuple(options.severities)))
            rows.append(read_json(done))
        cells = [", ".join(f"{100 * row[key]:.1f}" for row in rows) for key in ("clean", "pgd20", "corrupted")]
        print(f"| {label}, seeds 0 to {options.seeds - 1} | {' | '.join(cells)} | {[row['alarms'] for row in rows]} |",
              flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
