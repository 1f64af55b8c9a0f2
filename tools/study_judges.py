"""Which vote of published training-free scores orders networks best, near the top as well: cheap judges of a pool.

    uv run python tools/study_judges.py

NAS-Bench-201, scores of NAS-Bench-Suite-Zero, accuracies of NATS-Bench (folder DCANAS_TABLES). Living members are
split in halves by canonical class. On the first half every vote of up to --most scores (`dcanas.proxies.votes`: borda,
the sum of ranks, log_rank, of their logarithms) is judged against `cifar10_val`; the best by Kendall's tau over all
plus tau within the best quarter is chosen. On the second half the chosen one, the single scores and the votes named in
advance are reported: mean over --draws draws of --networks networks, each with tau over all and within their best
quarter, against validation and, told once, test accuracy.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import itertools
import os
import sys
from pathlib import Path

import numpy as np
from scipy.stats import kendalltau

from dcanas.proxies.votes import AGGREGATES, oriented
from dcanas.spaces import load_space

FAILED = 1e8  # how the table writes a score that does not exist, less its sign
NAMED = (("synflow", "jacov"), ("synflow", "jacov", "params"), ("nwot", "jacov"), ("params", "flops"))
SPLIT_SEED = 0
RESAMPLES = 1000


def read(name: str) -> dict[str, dict[str, str]]:
    with gzip.open(Path(os.environ["DCANAS_TABLES"]) / name, "rt") as file:
        return {row["architecture"]: row for row in csv.DictReader(file)}


def tau(scores: np.ndarray, accuracy: np.ndarray) -> tuple[float, float]:
    """Return Kendall's tau over all and within the truly best quarter."""
    best = np.argsort(-accuracy, kind="stable")[:len(accuracy) // 4]
    return (float(kendalltau(scores, accuracy).statistic), float(kendalltau(scores[best], accuracy[best]).statistic))


def interval(scores: np.ndarray, accuracy: np.ndarray) -> list[str]:
    """Return tau over all and within the truly best quarter as text, with 95 % of a bootstrap over networks."""
    rng = np.random.default_rng(0)
    drawn = [tau(scores[i], accuracy[i]) for i in rng.integers(len(accuracy), size=(RESAMPLES, len(accuracy)))]
    return [f"{found:.3f} ({low:.3f} to {high:.3f})" for found, low, high in
            zip(tau(scores, accuracy), *np.nanpercentile(drawn, (2.5, 97.5), axis=0), strict=True)]


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--most", type=int, default=4, help="scores in one vote")
    parser.add_argument("--networks", type=int, default=200)
    parser.add_argument("--draws", type=int, default=100)
    options = parser.parse_args(arguments)
    space = load_space("nasbench201")
    scores, accuracies = read("nasbench201_proxies_cifar10.csv.gz"), read("nasbench201_accuracy.csv.gz")
    archs = [arch for arch in space.members() if space.format(arch) in scores]
    codes = [space.format(arch) for arch in archs]
    names = [name for name in next(iter(scores.values())) if name not in ("architecture", "index")]
    values = {name: oriented(name, np.array([float(scores[code][name]) for code in codes])) for name in names}
    for column in values.values():
        column[np.abs(column) >= FAILED] = np.nan
    truth = {split: np.array([float(accuracies[code][f"cifar10_{split}"]) for code in codes])
             for split in ("val", "test")}
    classes = sorted({space.canonical(arch) for arch in archs})
    first = set(np.random.default_rng(SPLIT_SEED).permutation(len(classes))[:len(classes) // 2].tolist())
    number = {arch: i for i, arch in enumerate(classes)}
    chosen_on = np.array([number[space.canonical(arch)] in first for arch in archs])
    print(" ".join(["python tools/study_judges.py", *arguments]))
    print(f"{len(codes)} scored members, {chosen_on.sum()} to choose on, {(~chosen_on).sum()} to report on\n")

    def vote(kind: str, subset: tuple[str, ...], members: np.ndarray) -> np.ndarray:
        return AGGREGATES[kind](np.array([values[name][members] for name in subset]))

    tried = [(sum(tau(vote(kind, subset, np.flatnonzero(chosen_on)), truth["val"][chosen_on])), kind, subset)
             for size in range(1, options.most + 1) for subset in itertools.combinations(names, size)
             for kind in ("borda", "log_rank")]
    tried.sort(key=lambda each: -each[0])
    print(f"{len(tried)} votes tried; the best five on the first half: "
          + "; ".join(f"{kind} of {'+'.join(subset)} ({total:.3f})" for total, kind, subset in tried[:5]) + "\n")

    print(f"Second half, {options.draws} draws of {options.networks} networks, mean (sd)\n\n| judge | tau, validation "
          "| in the best quarter | tau, test | in the best quarter |\n|---|---|---|---|---|")
    rows = [("chosen: ", *tried[0][1:])] + [("", "borda", subset) for subset in NAMED]
    rows += [("", "borda", (name,)) for name in names]
    kept = np.flatnonzero(~chosen_on)
    for label, kind, subset in rows:
        rng = np.random.default_rng(1)  # every judge sees the same draws
        found = []
        for _ in range(options.draws):
            drawn = rng.choice(kept, options.networks, replace=False)
            votes = vote(kind, subset, drawn)
            found.append([t for split in ("val", "test") for t in tau(votes, truth[split][drawn])])
        told = [f"{mean:.3f} ({sd:.3f})" for mean, sd in zip(np.mean(found, 0), np.std(found, 0), strict=True)]
        how = ", log_rank" if kind == "log_rank" else ""
        print(f"| {label}{' + '.join(subset)}{how} | {' | '.join(told)} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
