"""What a supernet of pretrained slices finds within a limit, by every way, after the full recipe."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from dcanas.basics.checkpoints import load_weights, save_weights
from dcanas.basics.keys import derive_seed
from dcanas.costs import Budget, count_costs
from dcanas.hardware.latency.source import LatencySources
from dcanas.search.elastic.inherited import inherited_accuracy
from dcanas.search.elastic.sandwich import make_supernet, train_supernet
from dcanas.search.halving.measured import expected_use
from dcanas.search.halving.nominate import nominate
from dcanas.search.slices.alphas import alphas_images
from dcanas.search.slices.frames import Frame, frames_for
from dcanas.search.slices.lessons import lessons, slices_recipe
from dcanas.search.slices.slices_settings import WAYS, SlicesSettings
from dcanas.search.slices.ways import propose
from dcanas.search.task import SearchTask, Target
from dcanas.search.validation import validate
from dcanas.supernet import ElasticSupernet
from dcanas.training import train
from tools.markdown import print_table
from tools.pretrained_cells import BASE, Cells, grouped, network_of, parts

SIDE = 64  # pixels, of the data set from which other sizes are made


def print_slices(cells: Cells, photos: Path, directory: Path, sets: Sequence[str], seeds: Sequence[int],
                 macs: float) -> None:
    """Print, for every way, the validation accuracy of its best slice by inherited loss, after the full recipe."""
    def rows() -> Iterator[list[str]]:
        for name in sets:
            for way in ("cuts", *WAYS):
                found = [cells.get(f"{name}, {macs:g} MACs, {way}, seed {seed}",
                                   partial(chosen, cells, photos / name, directory, way, seed, macs)) for seed in seeds]
                yield [name, way, *(f"{np.mean([100 * each[key] for each in found]):.1f} ("
                                    f"{' '.join(f'{100 * each[key]:.1f}' for each in found)})"
                                    for key in ("accuracy", "best_of_two")),
                       f"{np.mean([each['seconds'] for each in found]):.0f}",
                       found[0]["architectures"][0].replace(" | ", " ")]  # bars would end the cells

    print_table(["set", "way", "best by inherited loss, validation %", "better of its two", "CPU seconds to choose",
                 "architecture (seed 0)"], rows())


def chosen(cells: Cells, folder: Path, directory: Path, way: str, seed: int, macs: float) -> dict[str, Any]:
    """Return what a way chooses within a limit, the seconds of choosing, and its accuracies after the full recipe."""
    task, target = task_for(folder, directory, way, seed, macs)
    start = time.process_time()
    if way == "cuts":  # after a stage; there is no judge but training, so their best counts
        archs = [nominee.architecture for nominee in nominate(parts(), expected_use(target), 0)]
    else:
        frames = frames_for(parts(), [expected_use(target)])
        supernet = trained_supernet(task, target.budget["macs"], directory, folder.name, frames)
        start = time.process_time()
        judge = inherited_accuracy(supernet, task.dataset, task.settings.recalibration_images, seed)
        archs = propose(supernet, frames, task, target, judge, {})[:2]
    seconds = time.process_time() - start
    texts = [parts().format(arch) for arch in archs]
    accuracies = [cells.get(f"{folder.name}, {text}, full, seed {seed}", partial(fully_trained, folder, text, seed))
                  ["accuracy"] for text in texts]
    first = max(accuracies) if way == "cuts" else accuracies[0]
    return {"architectures": texts, "accuracies": accuracies, "accuracy": first, "best_of_two": max(accuracies),
            "seconds": seconds}


def task_for(folder: Path, directory: Path, way: str, seed: int, macs: float) -> tuple[SearchTask, Target]:
    """Return the search of a supernet under one limit on MACs."""
    dataset = grouped(folder, SIDE)
    skeleton = dict(parts().pretrained.skeleton)
    costs = count_costs(parts(), dataset.shape, len(dataset.classes), **skeleton)
    target = Target("none", Budget(macs=macs), costs, LatencySources({}))
    settings = SlicesSettings(choose="sensitivities" if way == "cuts" else way)
    return SearchTask(parts(), dataset, (target,), settings, BASE, seed, 0, skeleton, {}, directory), target


def trained_supernet(task: SearchTask, macs: float, directory: Path, name: str,
                     frames: Sequence[Frame]) -> ElasticSupernet:
    """Return the supernet of frames under a limit on MACs, trained now or before; for alphas on fewer images."""
    settings, dataset = task.settings, task.dataset
    apart = settings.choose == "alphas"
    if apart:
        dataset = replace(dataset, train=np.setdiff1d(dataset.train, alphas_images(task)))
    supernet = make_supernet(task.space, task.dataset, task.seed, dict(task.skeleton))
    of = f"{name}-{macs:g}-{len(frames)}-{task.seed}"
    path = directory / f"supernet-{of}{'-apart' if apart else ''}.pt"
    if not path.exists():
        start = time.process_time()
        train_supernet(supernet, dataset, slices_recipe(BASE, settings.epochs),
                       lessons(frames, task, settings.largest_epochs, settings.random_members), task.seed)
        save_weights(path, supernet.state_dict())
        print(f"Supernet of {of}: {time.process_time() - start:.0f} CPU seconds.", flush=True)
    supernet.load_state_dict(load_weights(path))
    return supernet.eval()


def fully_trained(folder: Path, text: str, seed: int) -> dict[str, float]:
    """Return accuracy and loss on whole groups of look-alikes after the full recipe, and its CPU seconds."""
    dataset = grouped(folder, SIDE).at((side := parts().chain(parts().parse(text)).resolution, side))
    model = network_of(text, len(dataset.classes), seed)
    start = time.process_time()
    train(model, dataset, dataset.train, BASE, derive_seed(seed, "train"))
    seconds = time.process_time() - start
    judged = validate(model, dataset)
    return {"accuracy": judged["validation_accuracy"], "loss": judged["validation_loss"], "seconds": seconds}
