"""Why Square here and Square of adversarial-robustness-toolbox differ on tiny images: one difference after the other.

    uv run python tools/bench_square.py

As read in its code (1.20), the toolbox's L-inf Square differs from the paper's Algorithm 2 in three ways: its squares
never reach the last row or column; its first stripes are kept only where they already raise the loss; one position and
one set of signs serve all images. Each is put into our own attack, alone and together, on the digits network of
`bench_attacks.py` (8x8 pixels, eps 0.1, equal queries), and the robust accuracy is printed beside the toolbox's.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable
from unittest import mock

import numpy as np
import torch
from bench_attacks import BUDGETS, EPS, networks, peers
from torch import Tensor, nn

from dcanas.robustness import square, square_linf
from dcanas.robustness.draws import Draws

VARIANTS: dict[str, tuple[str, ...]] = {
    "as published (ours)": (), "last row and column never reached": ("border",), "stripes only where they help":
    ("stripes",), "one square for all images": ("shared",), "all three": ("border", "stripes", "shared")}


def variant(network: nn.Module, changes: Iterable[str]) -> dict[str, Callable]:
    """Return replacements for the two moves of `square_linf`."""
    first, change = square_linf.first, square_linf.change

    def stripes(origin: Tensor, size: float, draws: Draws) -> Tensor:
        """Keep the stripes only where the margin falls, as the toolbox does."""
        moved = first(origin, size, draws)
        labels = network(origin).argmax(1)

        def margin(x: Tensor) -> Tensor:
            logits = network(x)
            own = logits.gather(1, labels[:, None])
            return own[:, 0] - logits.scatter(1, labels[:, None], -torch.inf).amax(1)

        return torch.where((margin(moved) < margin(origin))[:, None, None, None], moved, origin)

    def squares(best: Tensor, origin: Tensor, size: float, share: float, draws: Draws, query: int) -> Tensor:
        if "shared" in changes:
            draws = Draws(draws.seed, np.zeros(len(draws.indices), dtype=np.int64))
        if "border" not in changes:
            return change(best, origin, size, share, draws, query)
        inner = best.clone()
        height, width = best.shape[2:]
        side = max(round(float(np.sqrt(share * height * width))), 1)
        reach = (slice(None), slice(None), slice(0, height - 1), slice(0, width - 1))
        share = side**2 / ((height - 1) * (width - 1))  # the same side in the smaller area
        inner[reach] = change(best[reach], origin[reach], size, share, draws, query)
        return inner

    return {"first": stripes if "stripes" in changes else first, "change": squares}


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=500)
    parser.add_argument("--queries", type=int, default=BUDGETS["square"])
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    BUDGETS["square"] = options.queries
    ((name, network, images, labels, classes),) = networks(options.images, None, ["digits"])

    def robust(adversarial: np.ndarray) -> float:
        with torch.no_grad():
            return 100 * float((network(torch.from_numpy(adversarial)).argmax(1).numpy() == labels).mean())

    print(f"{len(images)} images, {options.queries} queries, {options.seeds} seeds\n\n"
          "| Square | robust accuracy %, mean (each seed) |\n|---|---|")
    for label, changes in VARIANTS.items():
        shares = []
        for seed in range(options.seeds):
            with torch.no_grad(), mock.patch.multiple(square_linf, **variant(network, changes)):
                shares.append(robust(square(network, images, labels, EPS[name], queries=options.queries, seed=seed)))
        print(row(label, shares), flush=True)
    shares = []
    for seed in range(options.seeds):
        np.random.seed(seed)
        attack = peers(network, EPS[name], images.shape[1:], classes, 128)["square"]
        shares.append(robust(attack(images, labels)))
    print(row("the toolbox's", shares))


def row(label: str, shares: list[float]) -> str:
    return f"| {label} | {np.mean(shares):.1f} ({', '.join(f'{s:.1f}' for s in shares)}) |"


if __name__ == "__main__":
    main(sys.argv[1:])
