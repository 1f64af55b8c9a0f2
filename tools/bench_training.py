"""What bfloat16, channels-last and `torch.compile` change in training, measured side by side.

    python tools/bench_training.py [threads]

Two networks at 3x32x32, batch 64: a cell of NAS-Bench-201 (16 channels, one cell per stage) and torchvision's
MobileNetV2, in float32 and PyTorch's own layout (plain), channels last (the default), with bfloat16 autocast,
and compiled. Each setting trains by the one training loop on random images; its first steps, in which a compiled
network is compiled, do not count. Then the settings take turns of a few steps, so that whatever else the machine
does hits all alike; given are the median over turns of images per second, and the median of the ratio to plain
within a turn. An option that does not work here is named with its reason.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from threading import Semaphore, Thread

import numpy as np
import torch
from torch import nn
from torchvision import models

from dcanas.basics.errors import UserError
from dcanas.spaces import load_space
from dcanas.training import Dataset, Recipe, train

BATCH, WARM_UP, STEPS, TURNS = 64, 3, 3, 5
CELL = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_1x1~2|"
SETTINGS = {
    "plain (float32, torch's layout)": {"channels_last": False},
    "channels last": {"channels_last": True},
    "channels last, bfloat16": {"channels_last": True, "amp": "bf16"},
    "channels last, compiled": {"channels_last": True, "compile": True},
}


def cell() -> nn.Module:
    space = load_space("nasbench201")
    return space.build(space.parse(CELL), 10, 3, channels=16, cells=1)


def mobilenet() -> nn.Module:
    return models.mobilenet_v2(weights=None, num_classes=10)


NETWORKS: dict[str, Callable[[], nn.Module]] = {"NAS-Bench-201, 16 channels, 1 cell": cell,
                                                "MobileNetV2 (torchvision)": mobilenet}


def random_images() -> Dataset:
    count = BATCH * (WARM_UP + STEPS * TURNS)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (count + 2, 3, 32, 32), dtype=np.uint8)
    return Dataset("random", tuple("0123456789"), images, rng.integers(0, 10, count + 2), np.arange(count),
                   np.array([count]), np.array([count + 1]), {}, True)


class Turns(Thread):
    """A training that goes on only when told, a few steps at a time."""

    def __init__(self, network: nn.Module, data: Dataset, options: dict):
        super().__init__(daemon=True)
        self.network, self.data, self.options = network, data, options
        self.go, self.done, self.error, self.left = Semaphore(0), Semaphore(0), None, 0

    def run(self) -> None:
        recipe = Recipe(epochs=1, batch_size=BATCH, warmup_epochs=0, **{"amp": "off", **self.options})
        self.go.acquire()
        try:
            train(self.network, self.data, self.data.train, recipe, 0, on_step=lambda progress: self._count())
        except UserError as error:
            self.error = error
        self.done.release()

    def _count(self) -> None:
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


def main() -> None:
    torch.set_num_threads(int(sys.argv[1]) if len(sys.argv) > 1 else 2)
    data = random_images()
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, batch {BATCH}, {TURNS} turns of "
          f"{STEPS} steps", flush=True)
    for title, build in NETWORKS.items():
        runs: dict[str, Turns] = {}
        for name, options in SETTINGS.items():
            torch.manual_seed(0)
            runs[name] = Turns(build(), data, options)
            runs[name].start()
        first = {name: run.take(WARM_UP) for name, run in runs.items()}
        seconds: dict[str, list[float]] = {name: [] for name, run in runs.items() if run.error is None}
        for _ in range(TURNS):
            for name in seconds:
                seconds[name].append(runs[name].take(STEPS))
        plain = seconds[next(iter(SETTINGS))]
        print(f"\n| {title} | images/s | ratio to plain | first {WARM_UP} steps |\n|---|---|---|---|")
        for name, run in runs.items():
            if run.error is not None:
                print(f"| {name} | {run.error} | | |")
                continue
            speed = statistics.median(BATCH * STEPS / taken for taken in seconds[name])
            ratio = statistics.median(p / taken for p, taken in zip(plain, seconds[name], strict=True))
            print(f"| {name} | {speed:.0f} | {ratio:.2f} | {first[name]:.1f} s |", flush=True)


if __name__ == "__main__":
    main()
