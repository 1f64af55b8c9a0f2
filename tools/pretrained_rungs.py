"""How early rungs of a fine-tuning rank the candidates of `search=halving`, against the end of their schedule."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from scipy.stats import kendalltau

from dcanas.basics.keys import derive_seed
from dcanas.costs import count_costs
from dcanas.search.halving.nominate import nominate
from dcanas.search.validation import validate
from dcanas.training import train
from tools.pretrained_cells import BASE, Cells, grouped, network_of, parts

RUNGS = ("2", "4", "8", "16", "32")  # epochs


def print_rungs(cells: Cells, photos: Path, sets: Sequence[str], seeds: Sequence[int], macs: float,
                candidates: int) -> None:
    """Print how candidates under one limit rank after the first epochs of a schedule, against its end."""
    space = parts()
    cost = next(cost for cost in count_costs(space, (3, 32, 32), 10, **space.pretrained.skeleton)
                if cost.name == "macs")
    nominees = nominate(space, lambda arch: cost.value(arch) / macs, candidates)
    print("Accuracy by epochs of one schedule: validation accuracy %, kind, architecture.\n")
    for name in sets:
        for seed in seeds:
            found = [cells.get(f"{name}, {space.format(each.architecture)}, rungs, seed {seed}",
                               partial(by_epoch, photos / name, space.format(each.architecture), seed))
                     for each in nominees]
            for each, row in zip(nominees, found, strict=True):
                print(f"{name}, seed {seed}:", *(f"{100 * row['accuracy'][epochs]:.1f}" for epochs in RUNGS),
                      f"{row['seconds']:.0f} s", each.kind, space.format(each.architecture))
            last = np.array([row["accuracy"][RUNGS[-1]] for row in found])
            for epochs in RUNGS[:-1]:
                for what, sign in (("accuracy", 1), ("loss", -1)):
                    early = sign * np.array([row[what][epochs] for row in found])
                    best = last[np.argsort(-early)[:len(last) // 2]].max()
                    print(f"{epochs} epochs, {what}: Kendall {kendalltau(early, last).statistic:.2f}; the best half "
                          f"holds {100 * best:.1f} of {100 * last.max():.1f} %")


def by_epoch(folder: Path, text: str, seed: int) -> dict[str, Any]:
    """Return accuracy and loss on validation after each of `RUNGS`, and the CPU seconds of the training."""
    dataset = grouped(folder, parts().chain(parts().parse(text)).resolution)
    model = network_of(text, len(dataset.classes), seed)
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
