"""What bfloat16, channels-last and `torch.compile` change in training, measured side by side.

    python -m tools bench_training [threads=2]

Two networks at 3x32x32, batch 64: a cell of NAS-Bench-201 (16 channels, one cell per stage) and torchvision's
MobileNetV2, in float32 and PyTorch's own layout (plain), channels last (the default), with bfloat16 autocast,
and compiled. Each setting trains by the one training loop on random images; its first steps, in which a compiled
network is compiled, do not count. Then the settings take turns of a few steps, so that whatever else the machine
does hits all alike; given are the median over turns of images per second, and the median of the ratio to plain
within a turn. An option that does not work here is named with its reason.
"""

from __future__ import annotations

import statistics
import time
from threading import Semaphore, Thread
from typing import Any

import numpy as np
import torch
from torch import nn
from torchvision import models

from dcanas.basics.errors import UserError
from dcanas.basics.hooks import Hooks
from dcanas.spaces import load_space
from dcanas.training import Dataset, Recipe, train
from tools.markdown import print_table

BATCH, WARM_UP, STEPS, TURNS = 64, 3, 3, 5
CELL = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_1x1~2|"
NETWORKS = ("NAS-Bench-201, 16 channels, 1 cell", "MobileNetV2 (torchvision)")
PLAIN = "plain (float32, torch's layout)"
SETTINGS: dict[str, dict[str, Any]] = {
    PLAIN: {"channels_last": False},
    "channels last": {"channels_last": True},
    "channels last, bfloat16": {"channels_last": True, "amp": "bf16"},
    "channels last, compiled": {"channels_last": True, "compile": True},
}


def network(name: str) -> nn.Module:
    """Return one of the two networks, always with the same weights."""
    torch.manual_seed(0)
    space = load_space("nasbench201")
    return (space.build(space.parse(CELL), 10, 3, channels=16, cells=1) if name == NETWORKS[0]
            else models.mobilenet_v2(weights=None, num_classes=10))


def random_images() -> Dataset:
    """Return as many random images as one training sees in all its turns."""
    count, rng = BATCH * (WARM_UP + STEPS * TURNS), np.random.default_rng(0)
    images = rng.integers(0, 256, (count + 2, 3, 32, 32), dtype=np.uint8)
    return Dataset("random", tuple("0123456789"), images, rng.integers(0, 10, count + 2), np.arange(count),
                   np.array([count]), np.array([count + 1]), {}, True)


class Turns(Hooks):
    """A training in a thread of its own that goes on only when asked, a few steps at a time."""

    def __init__(self, net: nn.Module, data: Dataset, options: dict[str, Any]):
        self.go, self.done, self.left = Semaphore(0), Semaphore(0), 0
        self.error: UserError | None = None
        recipe = Recipe(epochs=1, batch_size=BATCH, warmup_epochs=0, **{"amp": "off", **options})
        Thread(target=self._train, args=(net, data, recipe), daemon=True).start()

    def _train(self, net: nn.Module, data: Dataset, recipe: Recipe) -> None:
        self.go.acquire()
        try:
            train(net, data, data.train, recipe, 0, hooks=self)
        except UserError as error:
            self.error = error
        self.done.release()

    def progress(self, done: float, total: float, note: str = "") -> None:
        """Count a step; wait behind the last that was asked for."""
        self.left -= 1
        if not self.left:
            self.done.release()
            self.go.acquire()

    def take(self, steps: int) -> float:
        """Return the seconds that so many steps take."""
        start, self.left = time.perf_counter(), steps
        self.go.release()
        self.done.acquire()
        return time.perf_counter() - start


def main(*, threads: int = 2) -> None:
    """Print speeds."""
    torch.set_num_threads(threads)
    data = random_images()
    print(f"torch {torch.__version__}, {threads} threads, batch {BATCH}, {TURNS} turns of {STEPS} steps")
    for title in NETWORKS:
        runs = {name: Turns(network(title), data, options) for name, options in SETTINGS.items()}
        first = {name: run.take(WARM_UP) for name, run in runs.items()}
        turns = [{name: run.take(STEPS) for name, run in runs.items() if run.error is None} for _ in range(TURNS)]
        print_table([title, "images/s", "ratio to plain", f"first {WARM_UP} steps"], [
            [name, run.error, "", ""] if run.error else
            [name, f"{statistics.median(BATCH * STEPS / turn[name] for turn in turns):.0f}",
             f"{statistics.median(turn[PLAIN] / turn[name] for turn in turns):.2f}", f"{first[name]:.1f} s"]
            for name, run in runs.items()])
