"""Measures what the channel bottleneck and operation sharing save in a step of the supernet.

    uv run python tools/bench_supernet.py
    uv run python tools/bench_supernet.py --space darts --bottlenecks 4 --rounds 5

A step is forward, backward with respect to weights and mixing, and an SGD update. Speed: the settings take
turns, one block of steps each per round, so that a busy machine slows all of them; ratios are taken within a
round. Memory: each setting runs one step in a process of its own, peak beyond what was resident before the
step; beside it the bytes that autograd keeps for the backward pass, counted exactly. Peak memory on the CPU
is read from /proc (Linux).
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from dcanas.basics.layout import to_channels_last
from dcanas.spaces import load_space
from dcanas.supernet import Supernet

Setting = tuple[int, bool]  # (bottleneck, share)
CELLS = {"nasbench201": 5, "darts": 8}
MEANING = {"nasbench201": "per stage", "darts": "in all"}


class Stepper:
    """One supernet with its optimizer and a batch of noise."""

    def __init__(self, setting: Setting, options: argparse.Namespace):
        torch.manual_seed(0)
        space = load_space(options.space)
        bottleneck, share = setting
        self.device = torch.device(options.device)
        self.net = Supernet(space, bottleneck=bottleneck, share=share, channels=options.channels,
                            cells=options.cells).to(self.device)
        options_per_slot = len(space.slots[0].options)
        self.mixing = torch.full((len(space.slots), options_per_slot), 1 / options_per_slot, device=self.device,
                                 requires_grad=True)
        self.optimizer = torch.optim.SGD([*self.net.parameters(), self.mixing], lr=0.01, momentum=0.9)
        self.images = torch.randn(options.batch, 3, options.size, options.size, device=self.device)
        if options.channels_last:
            to_channels_last(self.net)
            self.images = self.images.contiguous(memory_format=torch.channels_last)
        self.labels = torch.randint(10, (options.batch,), device=self.device)

    def loss(self, count: int | None = None) -> Tensor:
        return F.cross_entropy(self.net(self.images[:count], self.mixing), self.labels[:count])

    def step(self, count: int | None = None) -> None:
        self.loss(count).backward()
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)

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
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)
            before = torch.cuda.memory_allocated(self.device)
            self.step()
            return torch.cuda.max_memory_allocated(self.device) - before
        before = _resident_bytes("VmRSS")
        self.step()
        return _resident_bytes("VmHWM") - before

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


def _resident_bytes(field: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field + ":"))


def measure_speed(settings: list[Setting], options: argparse.Namespace) -> dict[Setting, list[float]]:
    """Return per setting the seconds per step of every round."""
    steppers = {setting: Stepper(setting, options) for setting in settings}
    for stepper in steppers.values():
        stepper.seconds(2)  # warm-up
    seconds: dict[Setting, list[float]] = {setting: [] for setting in settings}
    for _ in range(options.rounds):
        for setting, stepper in steppers.items():
            seconds[setting].append(stepper.seconds(options.steps))
    return seconds


def measure_memory(setting: Setting, arguments: list[str]) -> tuple[int, int]:
    """Return (peak bytes, saved bytes) of one step in a fresh process."""
    bottleneck, share = setting
    command = [sys.executable, __file__, *arguments, "--memory-of", str(bottleneck), str(int(share))]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    peak, saved = output.split()[-2:]
    return int(peak), int(saved)


def table(settings: list[Setting], seconds: dict[Setting, list[float]],
          memory: dict[Setting, tuple[int, int]]) -> str:
    """Return the markdown table; the first setting is what the others are compared with."""
    plain = settings[0]
    lines = ["| bottleneck | sharing | steps/s, median | IQR | x plain, median (IQR) | peak MiB | of plain "
             "| saved MiB | of plain |", "|---|---|---|---|---|---|---|---|---|"]
    for setting in settings:
        rates = [1 / s for s in seconds[setting]]
        low, middle, high = statistics.quantiles(rates, n=4)
        ratios = [p / s for p, s in zip(seconds[plain], seconds[setting], strict=True)]
        slow, ratio, fast = statistics.quantiles(ratios, n=4)
        peak, saved = memory[setting]
        lines.append(
            f"| {setting[0]} | {'on' if setting[1] else 'off'} | {middle:.3f} | {low:.3f}-{high:.3f} "
            f"| {ratio:.2f} ({slow:.2f}-{fast:.2f}) | {peak / 2**20:.0f} | {peak / memory[plain][0]:.3f} "
            f"| {saved / 2**20:.0f} | {saved / memory[plain][1]:.3f} |")
    return "\n".join(lines)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--space", choices=sorted(CELLS), default="nasbench201")
    parser.add_argument("--channels", type=int, default=16)
    parser.add_argument("--cells", type=int, help="; ".join(
        f"{space}: {CELLS[space]} ({meaning})" for space, meaning in MEANING.items()))
    parser.add_argument("--size", type=int, default=32, help="height and width of the images")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--bottlenecks", type=int, nargs="+", default=[2, 4])
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--steps", type=int, default=1, help="per block")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--channels-last", action="store_true", help="memory layout NHWC instead of NCHW")
    parser.add_argument("--memory-of", type=int, nargs=2, metavar=("BOTTLENECK", "SHARE"),
                        help="print peak and saved bytes of one setting and stop")
    options = parser.parse_args(arguments)
    options.cells = CELLS[options.space] if options.cells is None else options.cells
    torch.set_num_threads(options.threads)
    if options.memory_of:
        stepper = Stepper((options.memory_of[0], bool(options.memory_of[1])), options)
        print(stepper.peak_bytes(), stepper.saved_bytes())
        return
    settings = [(1, False), *((b, share) for b in options.bottlenecks for share in (False, True))]
    memory = {setting: measure_memory(setting, arguments) for setting in settings}
    seconds = measure_speed(settings, options)
    print(" ".join(["python tools/bench_supernet.py", *arguments]))
    print(f"torch {torch.__version__}, {options.device}, {options.threads} threads, "
          f"{options.rounds} rounds of {options.steps} steps, {options.channels} channels, "
          f"{options.cells} cells {MEANING[options.space]}, batch {options.batch} of 3x{options.size}x{options.size}, "
          f"{'NHWC' if options.channels_last else 'NCHW'}\n")
    print(table(settings, seconds, memory))


if __name__ == "__main__":
    main(sys.argv[1:])
