"""Scores random NAS-Bench-201 networks on real images, into a file that other studies read.

    python -m tools score_proxies quick.jsonl group=quick        # and group=blocks, slow
    python -m tools score_proxies meco.jsonl group=meco networks=0   # the whole space

Networks: a fixed draw of connected codes from the NAS-Bench-Suite-Zero table. Images: the first of the shuffled
CIFAR-10 training images, normalised, not augmented. What was stopped goes on.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import torch

from dcanas.basics.fan_out.engine import Engine
from dcanas.basics.hooks import Hooks
from dcanas.costs.members import as_architecture, member_choices
from dcanas.proxies.table import Scoring, score_many
from dcanas.spaces import Architecture, load_space
from tools.cifar_images import cifar_images
from tools.tables import column

GROUPS = {
    "quick": ("acor", "epe_nas", "fisher", "flops", "gcor", "grad_norm", "jacov", "l2_norm", "nwot", "params", "phi",
              "plain", "rcor", "snip", "synflow", "wrcor", "wrcor:linear", "wrcor:quadratic", "wrcor:reversed", "zen"),
    "few": ("acor", "jacov", "nwot", "rcor", "snip", "synflow", "wrcor"),
    "blocks": ("az_expressivity", "az_progressivity", "az_trainability", "meco", "zico"),
    "meco": ("meco",),
    "chosen": ("az_expressivity", "jacov", "meco", "zen"),
    "slow": ("grasp", "hessian", "jacob_fro", "near", "swap"),
}
MEAN, DEVIATION = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)  # of the CIFAR-10 training images


class Printed(Hooks):
    """Prints how far the work is."""

    def progress(self, done: float, total: float, note: str = "") -> None:
        print(f"{done:g} of {total:g}, {note}", flush=True)


def drawn(count: int, seed: int) -> list[Architecture]:
    """Return networks of the Suite-Zero table, drawn without replacement among connected codes."""
    space = load_space("nasbench201")
    archs = [space.parse(text) for text in column("nasbench201_proxies_cifar10", "params")]
    connected = [arch for arch in archs if not space.is_dead(arch)]
    return [connected[i] for i in np.random.default_rng(seed).permutation(len(connected))[:count]]


def classes() -> list[Architecture]:
    """Return one member of every class of equal networks, connected ones only."""
    space = load_space("nasbench201")
    first: dict[Architecture, Architecture] = {}
    for row in member_choices(space):
        arch = as_architecture(space, row)
        first.setdefault(space.canonical(arch), arch)
    return list(first.values())


def main(out: Path, *, group: Literal["quick", "few", "blocks", "meco", "chosen", "slow"] = "quick",
         networks: int = 300, batch: int = 64, seed: int = 0, workers: int = 1) -> None:
    """Score the networks that are not in the file yet.

    Args:
        out: the file
        group: which scores
        networks: 0: one of every class of equal networks, 6,284
        workers: processes
    """
    torch.set_num_threads(1)
    pixels, labels = cifar_images("train", batch)
    shown = (pixels / 255 - np.reshape(MEAN, (1, 3, 1, 1))) / np.reshape(DEVIATION, (1, 3, 1, 1))
    scoring = Scoring("nasbench201", GROUPS[group], shown.astype(np.float32), labels, seed=seed)
    score_many(scoring, drawn(networks, seed) if networks else classes(), out, Engine(workers=workers), Printed())
