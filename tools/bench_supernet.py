"""Measures what the channel bottleneck and operation sharing save in a step of the supernet.

    python -m tools bench_supernet
    python -m tools bench_supernet space=darts cells=8 bottlenecks=4 rounds=5

A step is forward, backward with respect to weights and mixing, and an SGD update. Speed: the settings take
turns, one block of steps each per round, so that a busy machine slows all of them; ratios are taken within a
round. Memory: each setting runs one step in a process of its own, peak beyond what was resident before the
step; beside it the bytes that autograd keeps for the backward pass, counted exactly.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from dcanas.basics.layout import to_channels_last
from dcanas.spaces import load_space
from dcanas.supernet import Supernet
from tools.markdown import print_table
from tools.memory import added_bytes, in_fresh_process

Setting = tuple[int, bool]  # (bottleneck, share)
MIB = 2**20


class Stepper:
    """One supernet with its optimiser and a batch of noise."""

    def __init__(self, setting: Setting, space: str, channels: int, cells: int, batch: int, size: int, device: str,
                 channels_last: bool):
        torch.manual_seed(0)
        slots = load_space(space).slots
        self.device, options = torch.device(device), len(slots[0].options)
        self.net = Supernet(load_space(space), bottleneck=setting[0], share=setting[1], channels=channels,
                            cells=cells).to(self.device)
        self.mixing = torch.full((len(slots), options), 1 / options, device=self.device, requires_grad=True)
        self.optimiser = torch.optim.SGD([*self.net.parameters(), self.mixing], lr=0.01, momentum=0.9)
        self.images = torch.randn(batch, 3, size, size, device=self.device)
        if channels_last:
            to_channels_last(self.net)
            self.images = self.images.contiguous(memory_format=torch.channels_last)
        self.labels = torch.randint(10, (batch,), device=self.device)

    def loss(self, count: int | None = None) -> Tensor:
        return F.cross_entropy(self.net(self.images[:count], self.mixing), self.labels[:count])

    def step(self, count: int | None = None) -> None:
        self.loss(count).backward()
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)

    def seconds(self, steps: int) -> float:
        """Return the seconds per step over a block of steps."""
        self.wait()
        start = time.perf_counter()
        for _ in range(steps):
            self.step()
        self.wait()
        return (time.perf_counter() - start) / steps

    def wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def peak_bytes(self) -> int:
        """Return the peak of one step beyond what was resident before it."""
        self.step(count=2)  # libraries load and momenta are made before the baseline is read
        if self.device.type != "cuda":
            return added_bytes(self.step)
        torch.cuda.reset_peak_memory_stats(self.device)
        before = torch.cuda.memory_allocated(self.device)
        self.step()
        return torch.cuda.max_memory_allocated(self.device) - before

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


def memory_of(setting: Setting, threads: int, shape: dict[str, Any]) -> tuple[int, int]:
    """Return (peak bytes, saved bytes) of one step."""
    torch.set_num_threads(threads)
    stepper = Stepper(setting, **shape)
    return stepper.peak_bytes(), stepper.saved_bytes()


def main(*, space: Literal["nasbench201", "darts"] = "nasbench201", channels: int = 16, cells: int = 5, size: int = 32,
         batch: int = 64, bottlenecks: tuple[int, ...] = (2, 4), rounds: int = 10, steps: int = 1,
         threads: int = torch.get_num_threads(), device: str = "cpu", channels_last: bool = False) -> None:
    """Print speed and memory of every setting beside the plain supernet's.

    Args:
        cells: per stage (nasbench201) or in all (darts)
        size: height and width of the images
        steps: per block
        channels_last: memory layout NHWC instead of NCHW
    """
    torch.set_num_threads(threads)
    shape = {"space": space, "channels": channels, "cells": cells, "batch": batch, "size": size, "device": device,
             "channels_last": channels_last}
    settings = [(1, False), *((b, share) for b in bottlenecks for share in (False, True))]
    plain = settings[0]
    memory = {setting: in_fresh_process(memory_of, setting, threads, shape) for setting in settings}
    steppers = {setting: Stepper(setting, **shape) for setting in settings}
    for stepper in steppers.values():
        stepper.seconds(2)  # warm-up
    turns = [{setting: stepper.seconds(steps) for setting, stepper in steppers.items()} for _ in range(rounds)]

    def rows() -> Iterator[list[object]]:
        for setting in settings:
            low, middle, high = statistics.quantiles([1 / turn[setting] for turn in turns], n=4)
            slow, ratio, fast = statistics.quantiles([turn[plain] / turn[setting] for turn in turns], n=4)
            (peak, saved), (most, all_saved) = memory[setting], memory[plain]
            yield [setting[0], "on" if setting[1] else "off", f"{middle:.3f}", f"{low:.3f}-{high:.3f}",
                   f"{ratio:.2f} ({slow:.2f}-{fast:.2f})", f"{peak / MIB:.0f}", f"{peak / most:.3f}",
                   f"{saved / MIB:.0f}", f"{saved / all_saved:.3f}"]

    print(f"torch {torch.__version__}, {threads} threads, {shape}")
    print_table(["bottleneck", "sharing", "steps/s, median", "IQR", "x plain, median (IQR)", "peak MiB", "of plain",
                 "saved MiB", "of plain"], rows())
