"""Measures what sharing passes saves: the 13 proxies of NAS-Bench-Suite-Zero and WRCor, together against each alone.

    python -m tools bench_proxies

One NAS-Bench-201 network of the default 16 channels and 5 cells, a batch of noise. Together and alone take turns within
a round, so that a busy machine slows both; the ratio is taken within a round. Peak memory: one process each that does
nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import torch

from dcanas.benchmarks.judged_data import PROXIES
from dcanas.proxies import score_network
from dcanas.spaces import load_space
from tools.markdown import print_table
from tools.memory import added_bytes, in_fresh_process

NAMES = [*sorted(PROXIES), "wrcor"]
NETWORK = "|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_3x3~1|skip_connect~2|"
Spent = tuple[float, float]  # seconds by the clock, seconds of the processor


class Scored:
    """A network and a batch of noise to score it on."""

    def __init__(self, network: str, batch: int, size: int):
        torch.manual_seed(0)
        space = load_space("nasbench201")
        self.net = space.build(space.parse(network))
        self.images, self.labels = torch.randn(batch, 3, size, size), torch.randint(10, (batch,))

    def spent(self, names: Sequence[str]) -> Spent:
        """Return what one call for all of `names` takes."""
        clock, processor = time.perf_counter(), time.process_time()
        score_network(self.net, self.images, self.labels, names)
        return time.perf_counter() - clock, time.process_time() - processor

    def alone(self) -> dict[str, Spent]:
        """Return what one call each takes."""
        return {name: self.spent([name]) for name in NAMES}


def peak_bytes(together: bool, threads: int, network: str, batch: int, size: int) -> int:
    """Return the peak resident memory of one of the two ways, beyond the libraries'."""
    torch.set_num_threads(threads)
    scored = Scored(network, batch, size)
    score_network(scored.net, scored.images[:4], scored.labels[:4], NAMES)  # libraries load before memory is read
    return added_bytes((lambda: scored.spent(NAMES)) if together else scored.alone)


def main(*, network: str = NETWORK, batch: int = 64, size: int = 32, rounds: int = 5,
         threads: int = torch.get_num_threads()) -> None:
    """Print seconds and memory.

    Args:
        network: NAS-Bench-201 notation
    """
    torch.set_num_threads(threads)
    scored = Scored(network, batch, size)
    together, alone = (in_fresh_process(peak_bytes, both, threads, network, batch, size) for both in (True, False))
    scored.spent(NAMES)  # warm-up
    turns = [(scored.spent(NAMES), scored.alone()) for _ in range(rounds)]
    sums = [tuple(np.sum(list(each.values()), axis=0)) for _, each in turns]
    lines = {**{name: [each[name] for _, each in turns] for name in NAMES}, "all, one after the other": sums,
             "all together": [both for both, _ in turns]}
    print(f"torch {torch.__version__}, {threads} threads, batch {batch} of 3x{size}x{size}, {rounds} rounds, {network}")
    print_table(["proxy", "seconds alone, median", "processor seconds, median"], [
        [name, *(f"{median:.3f}" for median in np.median(spent, axis=0))] for name, spent in lines.items()])
    ratios = np.array([both for both, _ in turns]) / np.array(sums)
    for kind, found in zip(("the clock", "processor time"), ratios.T, strict=True):
        print(f"\nTogether / alone by {kind}: median {np.median(found):.3f} ({found.min():.3f} to {found.max():.3f}).")
    print(f"\nPeak memory beyond the network and its libraries: together {together / 2**20:.0f} MiB, each alone "
          f"{alone / 2**20:.0f} MiB.")
