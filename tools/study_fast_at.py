"""What robustness costs and what it buys: plain training, `fast_at` and AugMix, by PGD-20 and the 15 corruptions.

    python -m tools study_fast_at digits out=runs/fast_at
    python -m tools study_fast_at cifar10 out=runs/fast_at     # real images of the folder of published tables

The same NAS-Bench-201 network and schedule for each recipe, seeds 0 to 2, trained on the training images, judged on
images of the test split, which decided nothing. A run that was stopped goes on; what is done is not done again.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from dcanas.basics.files import read_json, write_json
from dcanas.robustness import attack_spec, corruption_accuracy, robust_accuracy
from dcanas.search.adversarial import adversarial_attack
from dcanas.training import Dataset, Recipe, train
from dcanas.training.recipe_parts import Adversarial, Colour
from tools.bench_attacks import load, untrained
from tools.markdown import print_table

EPS_255 = {"digits": 25.5, "cifar10": 8.0}
BASE = {"digits": Recipe(epochs=25, batch_size=32, crop_padding=0, rotation=10.0, zoom=0.1, label_smoothing=0.0),
        "cifar10": Recipe(epochs=10, batch_size=64, label_smoothing=0.0)}


def judged(name: str, data: Dataset, recipe: Recipe, seed: int, folder: Path,
           severities: tuple[int, ...]) -> dict[str, Any]:
    """Train and judge one network; return its shares."""
    network = untrained(name, data, seed)
    history = train(network, data, data.train, recipe, seed, folder=folder / "training",
                    attack=adversarial_attack(recipe))
    images, labels = data.images[data.test].astype(np.float32) / 255, data.labels[data.test]
    with warnings.catch_warnings():  # of masked gradients: in the result too
        warnings.simplefilter("ignore")
        found = robust_accuracy(network, images, labels, [attack_spec("pgd", steps=20)], EPS_255[name] / 255)
    corrupted = corruption_accuracy(network, images, labels, severities=severities)
    return {"clean": found.clean.value, "pgd20": found.worst.value, "corrupted": corrupted.mean, "n": len(labels),
            "alarms": sum(row.get("overfitting", False) for row in history), "warnings": list(found.warnings)}


def main(name: Literal["digits", "cifar10"], *, out: Path, seeds: int = 3,
         recipes: tuple[Literal["plain", "fast_at", "augmix"], ...] = ("plain", "fast_at", "augmix"),
         severities: tuple[int, ...] = (1, 3, 5)) -> None:
    """Train, judge and print.

    Args:
        name: the images
        out: folder of the trainings
    """
    torch.set_num_threads(1)
    data, plain = load(name), BASE[name]
    known = {"plain": plain, "fast_at": replace(plain, adversarial=Adversarial("fast_at", EPS_255[name])),
             "augmix": replace(plain, colour=Colour(auto_augment="augmix"))}

    def rows() -> Iterator[list[object]]:
        for label in recipes:
            found = []
            for seed in range(seeds):
                folder = out / name / f"{label}-{seed}"
                done = folder / "result.json"
                if not done.exists():
                    write_json(done, judged(name, data, known[label], seed, folder, severities))
                found.append(read_json(done))
            yield [f"{label}, seeds 0 to {seeds - 1}", *(", ".join(f"{100 * row[key]:.1f}" for row in found)
                                                         for key in ("clean", "pgd20", "corrupted")),
                   [row["alarms"] for row in found]]

    print(f"{name}: {len(data.train)} training, {len(data.test)} test images, eps {EPS_255[name]:g}/255, severities "
          f"{severities}")
    print_table(["recipe", "clean %", "PGD-20 %", "corrupted %", "alarms"], rows())
