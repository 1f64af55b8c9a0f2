"""Measures what sharing passes saves: the 13 proxies of NAS-Bench-Suite-Zero and WRCor, together against each alone.

    uv run python tools/bench_proxies.py

One NAS-Bench-201 network per architecture given, default channels 16 and cells 5, a batch of noise. Together and alone
take turns within a round, so that a busy machine slows both; the ratio is taken within a round. Peak memory: one
process each that does nothing else, read from /proc (Linux).
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

import torch
from torch import Tensor, nn

from dcanas.proxies import score_network
from dcanas.spaces import load_space

NAMES = ["epe_nas", "fisher", "flops", "grad_norm", "grasp", "jacov", "l2_norm", "nwot", "params", "plain", "snip",
         "synflow", "zen", "wrcor"]
NETWORK = "|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_3x3~1|skip_connect~2|"


def make(options: argparse.Namespace) -> tuple[nn.Module, Tensor, Tensor]:
    """Return the network and the batch."""
    torch.manual_seed(0)
    space = load_space("nasbench201")
    net = space.build(space.parse(options.network))
    images = torch.randn(options.batch, 3, options.size, options.size)
    return net, images, torch.randint(10, (options.batch,))


Spent = tuple[float, float]  # seconds by the clock, seconds of the processor


def together(net: nn.Module, images: Tensor, labels: Tensor) -> Spent:
    """Return what one call for all takes."""
    return timed(net, images, labels, NAMES)


def alone(net: nn.Module, images: Tensor, labels: Tensor) -> dict[str, Spent]:
    """Return what one call each takes."""
    return {name: timed(net, images, labels, [name]) for name in NAMES}


def timed(net: nn.Module, images: Tensor, labels: Tensor, names: list[str]) -> Spent:
    clock, processor = time.perf_counter(), time.process_time()
    score_network(net, images, labels, names)
    return time.perf_counter() - clock, time.process_time() - processor


def peak_mib(which: str, arguments: list[str]) -> float:
    """Return the peak resident memory of a fresh process that runs one of the two once, beyond its imports."""
    command = [sys.executable, __file__, *arguments, "--memory-of", which]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1])


def _resident_mib(field: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(field + ":"))


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", default=NETWORK, help="NAS-Bench-201 notation")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--memory-of", choices=["together", "alone"])
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    net, images, labels = make(options)
    if options.memory_of:
        score_network(net, images[:4], labels[:4], NAMES)  # libraries load before the baseline is read
        before = _resident_mib("VmRSS")
        (together if options.memory_of == "together" else alone)(net, images, labels)
        print(_resident_mib("VmHWM") - before)
        return
    memory = {which: peak_mib(which, arguments) for which in ("together", "alone")}
    together(net, images, labels)  # warm-up
    rounds = [(together(net, images, labels), alone(net, images, labels)) for _ in range(options.rounds)]
    print(" ".join(["python tools/bench_proxies.py", *arguments]))
    print(f"torch {torch.__version__}, {options.threads} threads, batch {options.batch} of 3x{options.size}x"
          f"{options.size}, {options.rounds} rounds, {options.network}\n")
    print("| proxy | seconds alone, median | processor seconds, median |\n|---|---|---|")
    lines = {name: [each[name] for _, each in rounds] for name in NAMES}
    sums = [tuple(map(sum, zip(*each.values(), strict=True))) for _, each in rounds]
    lines |= {"all, one after the other": sums, "all together": [one for one, _ in rounds]}
    for name, spent in lines.items():
        print(f"| {name} | {' | '.join(f'{statistics.median(column):.3f}' for column in zip(*spent, strict=True))} |")
    for kind, which in (("the clock", 0), ("processor time", 1)):
        ratios = [one[which] / whole[which] for (one, _), whole in zip(rounds, sums, strict=True)]
        print(f"\nTogether / alone by {kind}: median {statistics.median(ratios):.3f} ({min(ratios):.3f} to "
              f"{max(ratios):.3f}).")
    print(f"\nPeak memory beyond the network and its libraries: together {memory['together']:.0f} MiB, each alone "
          f"{memory['alone']:.0f} MiB.")


if __name__ == "__main__":
    main(sys.argv[1:])
