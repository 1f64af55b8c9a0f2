"""What judges networks for one's own photographs: the prior, votes, sizes and short trainings, by trained networks.

    python -m tools study_own_images photos=DIR out=own.jsonl [sets=grocery,trash,cifar] [seeds=0]

Members of NAS-Bench-201 in the skeleton of `experiment=small_folder` (32 pixels), one drawn at random from each
sixteenth of those within its limits, ordered by MACs. Each is trained once by its recipe on the training split of
`photos`/SET; Kendall's tau of every judge with the validation loss at the end, with a bootstrap interval over networks.
Test images play no part, and the prior knows nothing of CIFAR-10 where the photographs are CIFAR-10's. Finished
trainings are kept in `out` and not made again.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from scipy.stats import kendalltau, rankdata

from dcanas.basics.keys import derive_seed
from dcanas.basics.mapping import from_mapping
from dcanas.costs import Budget, linear_counts
from dcanas.costs.feasibility import percentile
from dcanas.costs.members import as_architecture, member_choices
from dcanas.export.classifier import Classifier, Normalise
from dcanas.pipeline.preset_files import presets
from dcanas.proxies.aggregates import AGGREGATES
from dcanas.proxies.prior import prior_for
from dcanas.proxies.rank_aggregation import oriented
from dcanas.proxies.table import Scoring, score_architecture, values_of
from dcanas.search.validation import validate
from dcanas.spaces import Architecture, load_space
from dcanas.training import Dataset, DataSpec, Recipe, load_data, train
from tools.markdown import print_table
from tools.pretrained_cells import Cells

PRESETS = presets({"experiment": "small_folder", "space": "nasbench201"})
RECIPE = from_mapping(Recipe, PRESETS["train"])
SKELETON = PRESETS["space"]["final_skeleton"]
RUNGS = (1, 2, 4, 8, 16)  # epochs of the recipe's own schedule
SHORT = 6  # epochs of a short training with a schedule of its own
VOTES = {"vote (jacov, synflow, meco)": ("jacov", "synflow", "meco"),
         "vote (epe_nas, synflow, zen)": ("epe_nas", "synflow", "zen")}
SCORES = tuple(dict.fromkeys(name for names in VOTES.values() for name in names))
IMAGES, DRAWS = 64, 1000  # per network scored; of the bootstrap


@cache
def opened(folder: Path) -> Dataset:
    """Return the images of a folder at 32 pixels."""
    return load_data(DataSpec("folder", root=str(folder), size=32, channels=3))


def members(classes: int, number: int, seed: int) -> list[Architecture]:
    """Return one member from each part of those within the limits of `small_folder`, the smallest first."""
    space, rng = load_space("nasbench201"), np.random.default_rng(derive_seed(seed, "members"))
    choices = member_choices(space)
    costs = linear_counts(space, (3, 32, 32), classes, **SKELETON)
    budget = Budget({name: percentile(space, costs[name], 40, 0) for name in ("params", "macs")})
    kept = choices[np.all([budget.allows(name, costs[name].values(choices)) for name in budget], axis=0)]
    ordered = kept[np.lexsort((rng.random(len(kept)), costs["macs"].values(kept)))]
    return [as_architecture(space, rng.choice(part)) for part in np.array_split(ordered, number)]


def model_of(arch: Architecture, dataset: Dataset, seed: int) -> Classifier:
    """Return an untrained network, normalisation inside."""
    torch.manual_seed(derive_seed(seed, "weights"))
    network = load_space("nasbench201").build(arch, len(dataset.classes), 3, **SKELETON)
    return Classifier(Normalise(*dataset.moments), network)


def trained(dataset: Dataset, arch: Architecture, seed: int) -> dict[str, Any]:
    """Return losses and accuracies along the recipe's schedule and after a short one, and the CPU seconds of each."""
    found: dict[str, Any] = {"validation": {}, "train_loss": []}
    start = time.process_time()
    model = model_of(arch, dataset, seed)
    with TemporaryDirectory() as place:
        for epochs in (*RUNGS, RECIPE.epochs):
            history = train(model, dataset, dataset.train, RECIPE, derive_seed(seed, "train"), folder=Path(place),
                            until=epochs)
            found["validation"][str(epochs)] = validate(model, dataset)
    found["train_loss"], found["seconds"] = [row["loss"] for row in history], time.process_time() - start
    start = time.process_time()
    model = model_of(arch, dataset, seed)
    short = replace(RECIPE, epochs=SHORT, warmup_epochs=min(RECIPE.warmup_epochs, SHORT / 4))
    train(model, dataset, dataset.train, short, derive_seed(seed, "train"))
    found["short"], found["short_seconds"] = validate(model, dataset), time.process_time() - start
    return found


def scored(dataset: Dataset, arch: Architecture, seed: int) -> dict[str, Any]:
    """Return the training-free scores of a network on some training images."""
    rng = np.random.default_rng(derive_seed(seed, "score", "images"))
    chosen = np.sort(rng.choice(dataset.train, IMAGES, replace=False))
    mean, std = (np.reshape(values, (1, -1, 1, 1)) for values in dataset.moments)
    batch = ((dataset.images[chosen] / 255 - mean) / std).astype(np.float32)
    scoring = Scoring("nasbench201", SCORES, batch, dataset.labels[chosen].astype(np.int64), len(dataset.classes),
                      seed, SKELETON)
    return values_of(score_architecture(scoring, load_space("nasbench201"), arch))


def judges(dataset: Dataset, archs: Sequence[Architecture], scores: Sequence[Mapping[str, float]],
           found: Sequence[Mapping[str, Any]]) -> dict[str, np.ndarray]:
    """Return what every judge says of the networks, larger is better. Shape: name -> (networks,)."""
    choices = np.array([arch.choices for arch in archs])
    costs = linear_counts(load_space("nasbench201"), (3, 32, 32), len(dataset.classes), **SKELETON)
    said = {"prior": prior_for(dataset.name, dataset.classes).values(choices)}
    for vote, names in VOTES.items():
        said[vote] = AGGREGATES["log_rank"](np.array([oriented(name, np.array([row[name] for row in scores]))
                                                      for name in names]))
        said[f"prior beside the {vote}"] = rankdata(said["prior"]) + rankdata(said[vote])
    said |= {name: costs[name].values(choices) for name in ("params", "macs")}
    said["short training, accuracy"] = np.array([row["short"]["validation_accuracy"] for row in found])
    said["short training, loss"] = -np.array([row["short"]["validation_loss"] for row in found])
    for epochs in map(str, RUNGS):
        after = [row["validation"][epochs] for row in found]
        said[f"{epochs} epochs, accuracy"] = np.array([row["validation_accuracy"] for row in after])
        said[f"{epochs} epochs, loss"] = -np.array([row["validation_loss"] for row in after])
        said[f"{epochs} epochs, sum of training losses"] = -np.array([sum(row["train_loss"][:int(epochs)])
                                                                      for row in found])
        said[f"{epochs} epochs, both losses (ranks)"] = (
            rankdata(said[f"{epochs} epochs, loss"]) + rankdata(said[f"{epochs} epochs, sum of training losses"]))
    return said


def kendall(judge: np.ndarray, truth: np.ndarray) -> str:
    """Return Kendall's tau with its 95 % bootstrap interval over networks."""
    rng = np.random.default_rng(0)
    draws = [rng.integers(len(truth), size=len(truth)) for _ in range(DRAWS)]
    low, high = np.nanquantile([kendalltau(judge[d], truth[d]).statistic for d in draws], [0.025, 0.975])
    return f"{kendalltau(judge, truth).statistic:.2f} ({low:.2f} to {high:.2f})"


def main(*, photos: Path, out: Path, sets: tuple[str, ...] = ("grocery", "trash", "cifar"), networks: int = 16,
         seeds: tuple[int, ...] = (0,), most_s: float = float("inf")) -> None:
    """Train what is missing and print the table.

    Args:
        photos: folder of the sets, each with train/CLASS/IMAGE
        out: file of finished trainings
        networks: in each set
        seeds: of first weights and order of images; each draws its own networks
        most_s: no training is begun after so many seconds
    """
    torch.set_num_threads(1)
    cells, begun = Cells(out), time.monotonic()
    columns: dict[str, dict[str, str]] = {}
    for name in sets:
        for seed in seeds:
            dataset = opened(photos / name)
            archs = members(len(dataset.classes), networks, seed)
            order = np.random.default_rng(seed).permutation(networks)  # what is there at any moment is a fair sample
            there, scores, found = [], [], []
            for arch in (archs[i] for i in order):
                key = f"{name}, {load_space('nasbench201').format(arch)}, seed {seed}"
                if key not in cells.known and time.monotonic() - begun > most_s:
                    continue
                found.append(cells.get(key, partial(trained, dataset, arch, seed)))
                scores.append(cells.get(f"{key}, scores", partial(scored, dataset, arch, seed)))
                there.append(arch)
            if len(there) > 2:
                truth = -np.array([row["validation"][str(RECIPE.epochs)]["validation_loss"] for row in found])
                columns[f"{name}, seed {seed}, {len(there)} networks"] = {
                    judge: kendall(values, truth) for judge, values in judges(dataset, there, scores, found).items()}
    print_table(["judge", *columns], [[judge, *(column[judge] for column in columns.values())]
                                      for judge in next(iter(columns.values()), {})])
