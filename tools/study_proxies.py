"""Scores random NAS-Bench-201 networks on real images and judges every score against published values and accuracy.

    uv run python tools/study_proxies.py score --out quick.jsonl --group quick
    uv run python tools/study_proxies.py score --out slow.jsonl --group slow
    uv run python tools/study_proxies.py report --out quick.jsonl slow.jsonl

Networks: a fixed draw of connected codes from the NAS-Bench-Suite-Zero table; the first 200 serve the comparison with
its values, all of them the correlation with accuracy. Images: the first of the shuffled CIFAR-10 training images,
normalised, not augmented. Tables and images are read from the folder DCANAS_TABLES names. `score` continues where it
was stopped; `report` speaks of the networks that all its files hold.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import os
import sys
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from dcanas.proxies.judging import judge, partial_spearman, spearman
from dcanas.proxies.table import Scoring, columns, read_table, score_many
from dcanas.proxies.votes import VOTES, oriented, vote
from dcanas.spaces import load_space

GROUPS = {
    "quick": ("acor", "epe_nas", "fisher", "flops", "gcor", "grad_norm", "jacov", "l2_norm", "nwot", "params", "phi",
              "plain", "rcor", "snip", "synflow", "wrcor", "wrcor:linear", "wrcor:quadratic", "wrcor:reversed", "zen"),
    "blocks": ("az_expressivity", "az_progressivity", "az_trainability", "meco", "zico"),
    "slow": ("grasp", "hessian", "jacob_fro", "near", "swap"),
}
PUBLISHED = ("params", "flops", "l2_norm", "synflow", "nwot", "snip", "grad_norm", "fisher", "jacov", "epe_nas",
             "grasp", "plain", "zen")
MEAN, DEVIATION = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)  # of the CIFAR-10 training images
COMPARED = 200


def table(name: str) -> list[dict[str, str]]:
    with gzip.open(Path(os.environ["DCANAS_TABLES"]) / name, "rt") as file:
        return list(csv.DictReader(file))


def drawn(count: int, seed: int) -> list[dict[str, str]]:
    """Return rows of the Suite-Zero table, drawn without replacement among connected codes."""
    space = load_space("nasbench201")
    rows = [r for r in table("nasbench201_proxies_cifar10.csv.gz") if not space.is_dead(space.parse(r["architecture"]))]
    return [rows[i] for i in np.random.default_rng(seed).permutation(len(rows))[:count]]


def batch(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (size, 3, 32, 32) normalised float32 images and their labels."""
    pack = np.load(Path(os.environ["DCANAS_TABLES"]) / "cifar10_train_jpeg.npz")
    blob, end = pack["jpeg"], pack["end"]
    starts = [0, *end[:size - 1]]
    pixels = np.stack([np.asarray(Image.open(io.BytesIO(blob[a:b].tobytes())))
                       for a, b in zip(starts, end[:size], strict=True)])
    images = (pixels.transpose(0, 3, 1, 2) / 255 - np.reshape(MEAN, (1, 3, 1, 1))) / np.reshape(DEVIATION, (1, 3, 1, 1))
    return images.astype(np.float32), pack["label"][:size].astype(np.int64)


def score(options: argparse.Namespace) -> None:
    space = load_space("nasbench201")
    images, labels = batch(options.batch)
    scoring = Scoring("nasbench201", GROUPS[options.group], images, labels, seed=options.seed)
    archs = [space.parse(row["architecture"]) for row in drawn(options.networks, options.seed)]
    start = time.perf_counter()

    def tell(row: dict) -> None:
        print(f"{row['position'] + 1} of {len(archs)}, {time.perf_counter() - start:.0f} s", flush=True)

    score_many(scoring, archs, options.out[0], options.workers, tell)


def merged(paths: list[Path]) -> tuple[dict, list[dict]]:
    """Return one header and the rows of the networks that all files hold, by position."""
    header, rows, _ = read_table(paths[0])
    found = {row["position"]: row for row in rows}
    for path in paths[1:]:
        other, more, _ = read_table(path)
        assert all(header[key] == other[key] for key in header if key != "names"), f"{path} was made otherwise"
        header["names"] += other["names"]
        added = {row["position"]: row for row in more}
        found = {i: row | {key: row[key] | added[i][key] for key in ("scores", "status", "seconds")}
                 for i, row in found.items() if i in added}
    return header, [found[i] for i in sorted(found)]


def report(options: argparse.Namespace) -> None:
    header, rows = merged(options.out)
    theirs = {r["architecture"]: r for r in table("nasbench201_proxies_cifar10.csv.gz")}
    accuracies = {r["architecture"]: float(r["cifar10_test"]) for r in table("nasbench201_accuracy.csv.gz")}
    codes = [row["architecture"] for row in rows]
    accuracy = np.array([accuracies[code] for code in codes])
    ours = columns(rows, header["names"])
    print(f"{len(rows)} networks, batch {header['images'][0]}, seed {header['seed']}\n")
    first = codes[:COMPARED]
    print(f"Against NAS-Bench-Suite-Zero over the first {len(first)}\n\n| proxy | Spearman with theirs | ours with "
          "accuracy | theirs with accuracy | difference |\n|---|---|---|---|---|")
    for name in PUBLISHED:
        if name not in ours:
            continue
        mine, published = ours[name][:len(first)], np.array([float(theirs[code][name]) for code in first])
        a, b = spearman(mine, accuracy[:len(first)]), spearman(published, accuracy[:len(first)])
        print(f"| {name} | {spearman(mine, published):.3f} | {a:.3f} | {b:.3f} | {a - b:+.3f} |")
    exact = all(abs(ours["params"][i] - float(theirs[code]["params"])) < 1e-9 for i, code in enumerate(first))
    print(f"\nparams {'equal' if exact else 'NOT equal'} to theirs on all {len(first)}. Their flops equal 7.943872 + "
          f"35.8195 n3 + 4.36224 n1 + 1.29024 pools within {_flops_error(first, theirs):.1e} M.\n")
    print("Against CIFAR-10 test accuracy over all\n\n| score | Spearman (95 % interval) | Kendall | weighted Kendall "
          "| precision@10 | best of top 10 | Spearman, best tenth | given params | failed | seconds |\n"
          "|---|---|---|---|---|---|---|---|---|---|")
    seconds = {name: float(np.median([row["seconds"][name] for row in rows])) for name in ours}
    table_rows = {name: oriented(name, values) for name, values in ours.items()}
    for name, members in VOTES.items():
        if all(member in ours for member in members):
            table_rows[f"vote {name}"] = vote(name, ours)
    judged = [(judge(values, accuracy, seed=options.seed), name, values) for name, values in table_rows.items()]
    for found, name, values in sorted(judged, key=lambda each: -each[0].spearman):
        low, high = found.spearman_interval
        given = partial_spearman(values, accuracy, ours["params"])
        print(f"| {name} | {found.spearman:.3f} ({low:.3f} to {high:.3f}) | {found.kendall:.3f} | "
              f"{found.weighted_kendall:.3f} | {found.precision_at_k:.2f} | {found.best_ranking_at_k} | "
              f"{found.best_tenth_spearman:.3f} | {given:.3f} | {int(np.isnan(values).sum())} | "
              f"{seconds.get(name, 0):.2f} |")


def _flops_error(codes: list[str], theirs: dict[str, dict[str, str]]) -> float:
    return max(abs(7.943872 + 35.8195 * code.count("conv_3x3") + 4.36224 * code.count("conv_1x1")
                   + 1.29024 * code.count("avg_pool") - float(theirs[code]["flops"])) for code in codes)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=["score", "report"])
    parser.add_argument("--out", type=Path, required=True, nargs="+", help="one file for score, any for report")
    parser.add_argument("--group", choices=list(GROUPS), default="quick")
    parser.add_argument("--networks", type=int, default=300)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    {"score": score, "report": report}[options.action](options)


if __name__ == "__main__":
    main(sys.argv[1:])
