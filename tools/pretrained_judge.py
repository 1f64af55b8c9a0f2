"""How the inherited loss of slices agrees with what they reach after the full recipe, beside MACs alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import kendalltau

from dcanas.basics.keys import derive_seed
from dcanas.costs import Budget
from dcanas.search.elastic.inherited import inherited_accuracy
from dcanas.search.halving.measured import expected_use
from dcanas.search.slices.frames import Frame, frames_for
from dcanas.search.task import Target
from dcanas.spaces import Architecture
from tools.markdown import print_table
from tools.pretrained_cells import Cells, parts
from tools.pretrained_slices import fully_trained, task_for, trained_supernet

LIMITS = 3  # on MACs, spread evenly over the range on a logarithmic scale: the supernet's frames are theirs


def print_judge(cells: Cells, photos: Path, directory: Path, sets: Sequence[str], seeds: Sequence[int],
                span: tuple[float, float], members: int) -> None:
    """Print Kendall's tau between the accuracy on validation after the full recipe and what was known before.

    Every seed draws its own slices and trains its own supernet. In brackets: over the half with more MACs.

    Args:
        span: least and most MACs of the slices, which lie evenly between them on a logarithmic scale.
        members: slices for every set and seed.
    """
    rows = []
    for name in sets:
        for seed in seeds:
            found = cells.get(f"{name}, {members} slices of {span[0]:g} to {span[1]:g} MACs, inherited, seed {seed}",
                              partial(inherited, photos / name, directory, seed, span, members))
            accuracy = np.array([cells.get(f"{name}, {text}, full, seed {seed}",
                                           partial(fully_trained, photos / name, text, seed))["accuracy"]
                                 for text in found["architectures"]])
            macs, loss = np.array(found["macs"]), np.array(found["loss"])
            dearer = macs >= np.median(macs)
            rows.append([name, str(seed), *(f"{_tau(known, accuracy):.2f} ({_tau(known[dearer], accuracy[dearer]):.2f})"
                                            for known in (-loss, macs)),
                         f"{100 * accuracy.min():.1f} to {100 * accuracy.max():.1f}"])
    print_table(["set", "seed", "inherited loss", "MACs", "validation % after the full recipe"], rows)


def inherited(folder: Path, directory: Path, seed: int, span: tuple[float, float], members: int) -> dict[str, Any]:
    """Return random slices, their MACs, and their loss with the weights that they inherit from one supernet."""
    task, target = task_for(folder, directory, "sensitivities", seed, span[1])
    targets = tuple(replace(target, budget=Budget(macs=limit)) for limit in np.geomspace(*span, LIMITS + 1)[1:])
    frames = frames_for(parts(), [expected_use(each) for each in targets])
    supernet = trained_supernet(task, span[1], directory, folder.name, frames)
    chosen = drawn(frames, target, seed, span, members)
    judge = inherited_accuracy(supernet, task.dataset, task.settings.recalibration_images, seed)
    return {"architectures": [parts().format(arch) for arch in chosen],
            "macs": [_macs(target, arch) for arch in chosen],
            "loss": [judge(arch)["validation_loss"] for arch in chosen]}


def drawn(frames: Sequence[Frame], target: Target, seed: int, span: tuple[float, float],
          members: int) -> list[Architecture]:
    """Return random slices of random frames, one for each of as many equal parts of the span's logarithm."""
    rng = np.random.default_rng(derive_seed(seed, "slices to judge"))
    edges = np.geomspace(*span, members + 1)
    found: dict[int, Architecture] = {}
    while len(found) < members:
        arch = parts().prune(frames[int(rng.integers(len(frames)))].space.sample(rng))
        part = int(np.searchsorted(edges, _macs(target, arch), side="right")) - 1
        if 0 <= part < members:
            found.setdefault(part, arch)
    return [found[part] for part in sorted(found)]


def _macs(target: Target, arch: Architecture) -> float:
    return next(float(cost.value(arch)) for cost in target.costs if cost.name == "macs")


def _tau(known: np.ndarray, accuracy: np.ndarray) -> float:
    return float(kendalltau(known, accuracy).statistic)
