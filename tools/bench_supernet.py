"""Measures what the channel bottleneck and operation sharing save in a step of the supernet.

    python -m tools bench_supernet
    python -m tools bench_supernet space=darts cells=8 bottlenecks=4 rounds=5

A step is forward, backward with respect to weights and mixing, and an SGD update. Speed: the settings take turns, so
that a busy machine slows all of them; ratios are taken within a round. Memory: each setting runs one step in a process
of its own, peak beyond what was resident before the step; beside it the bytes that autograd keeps for the backward
pass, counted exactly.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from dcanas.spaces import load_space
from dcanas.supernet import Supernet
from tools.markdown import print_table
from tools.memory import added_bytes, in_fresh_process

Setting = tuple[int, bool]  # (bottleneck, share)
MIB = 2**20


class Stepper:
    """One supernet with its optimiser and a batch of noise."""

    def __init__(self, setting: Setting, space: str, channels: int, cells: int, batch: int, size: int):
        torch.manual_seed(0)
        slots = load_space(space).slots
        self.net = Supernet(load_space(space), bottleneck=setting[0], share=setting[1], channels=channels, cells=cells)
        self.mixing = torch.full((len(slots), len(slots[0].options)), 1 / len(slots[0].options), requires_grad=True)
        self.optimiser = torch.optim.SGD([*self.net.parameters(), self.mixing], lr=0.01, momentum=0.9)
        self.images, self.labels = torch.randn(batch, 3, size, size), torch.randint(10, (batch,))

    def loss(self, count: int | None = None) -> Tensor:
        """Return the loss on the first `count` images, or on all."""
        return F.cross_entropy(self.net(self.images[:count], self.mixing), self.labels[:count])

    def step(self, count: int | None = None) -> float:
        """Do one step and return its seconds."""
        start = time.perf_counter()
        self.loss(count).backward()
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        return time.perf_counter() - start

    def saved_bytes(self) -> int:
        """Return the bytes kept for the backward pass: distinct storages, parameters not counted."""
        own = {p.untyped_storage().data_ptr() for p in self.net.parameters()}
        kept: dict[int, int] = {}

        def note(tensor: Tensor) -> Tensor:
            storage = tensor.untyped_storage()
            if storage.data_ptr() not in own:
                kept[storage.data_ptr()] = storage.nbytes()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
            loss = self.loss()  # noqa: F841 (alive, so that no address is used twice)
        return sum(kept.values())


def memory_of(setting: Setting, threads: int, shape: tuple) -> tuple[int, int]:
    """Return (peak bytes, saved bytes) of one step."""
    torch.set_num_threads(threads)
    stepper = Stepper(setting, *shape)
    stepper.step(count=2)  # libraries load and momenta are made before memory is read
    return added_bytes(stepper.step), stepper.saved_bytes()


def main(*, space: Literal["nasbench201", "darts"] = "nasbench201", channels: int = 16, cells: int = 5, size: int = 32,
         batch: int = 64, bottlenecks: tuple[int, ...] = (2, 4), rounds: int = 10,
         threads: int = torch.get_num_threads()) -> None:
    """Print speed and memory of every setting beside the plain supernet's.

    Args:
        cells: per stage (nasbench201) or in all (darts)
        size: height and width of the images
    """
    torch.set_num_threads(threads)
    shape = (space, channels, cells, batch, size)
    settings = [(1, False), *((b, share) for b in bottlenecks for share in (False, True))]
    memory = {setting: in_fresh_process(memory_of, setting, threads, shape) for setting in settings}
    steppers = {setting: Stepper(setting, *shape) for setting in settings}
    turns = [{setting: stepper.step() for setting, stepper in steppers.items()} for _ in range(rounds + 2)][2:]

    def rows() -> Iterator[list[object]]:
        plain = settings[0]
        for setting in settings:
            low, middle, high = statistics.quantiles([1 / turn[setting] for turn in turns], n=4)
            slow, ratio, fast = statistics.quantiles([turn[plain] / turn[setting] for turn in turns], n=4)
            yield [setting[0], "on" if setting[1] else "off", f"{middle:.3f}", f"{low:.3f}-{high:.3f}",
                   f"{ratio:.2f} ({slow:.2f}-{fast:.2f})", *(
                       text for found, most in zip(memory[setting], memory[plain], strict=True)
                       for text in (f"{found / MIB:.0f}", f"{found / most:.3f}"))]

    print(f"torch {torch.__version__}, {threads} threads, {channels} channels, {cells} cells, batch {batch} of "
          f"3x{size}x{size}, {rounds} rounds")
    print_table(["bottleneck", "sharing", "steps/s, median", "IQR", "x plain, median (IQR)", "peak MiB", "of plain",
                 "saved MiB", "of plain"], rows())
