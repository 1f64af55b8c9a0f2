"""Scores random NAS-Bench-201 networks on real images and judges every score against published values and accuracy.

    uv run python tools/study_proxies.py score --out quick.jsonl --group quick        # and --group blocks, slow
    uv run python tools/study_proxies.py report --out quick.jsonl blocks.jsonl
    uv run python tools/study_proxies.py combine --out quick.jsonl blocks.jsonl
    uv run python tools/study_proxies.py score --out noise.jsonl --group few --images noise --networks 40
    uv run python tools/study_proxies.py score --out meco.jsonl --group meco --networks 0   # the whole space
    uv run python tools/study_proxies.py compare --out quick.jsonl noise.jsonl  # or --batch 16

Networks: a fixed draw of connected codes from the NAS-Bench-Suite-Zero table; the first 200 serve the comparison with
its values, all of them the correlation with accuracy. Images: the first of the shuffled CIFAR-10 training images,
normalised, not augmented. Tables and images are read from the folder DCANAS_TABLES names. `score` continues where it
was stopped; `report` and `combine` speak of the networks that all files hold, `compare` of those that each has.

`combine` chooses by validation accuracy on every other network: sets of two to four scores and an aggregate, grown from
the best twenty of the size before. It judges the choice on the other networks by test accuracy, against the single one
chosen in the same way and against the one that is best in hindsight; intervals are a paired bootstrap over networks.
With `--held-out` it chooses on all networks of `--out` and judges on those of the other files that are not among them.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from dcanas.costs.members import as_architecture, member_choices
from dcanas.proxies.initialisation import INITIALISATIONS
from dcanas.proxies.judging import interval, judge, kendall, partial_spearman, spearman
from dcanas.proxies.table import Scoring, columns, read_table, score_many, values_of
from dcanas.proxies.votes import VOTES, borda, log_rank, oriented, vote
from dcanas.spaces import Architecture, load_space

GROUPS = {
    "quick": ("acor", "epe_nas", "fisher", "flops", "gcor", "grad_norm", "jacov", "l2_norm", "nwot", "params", "phi",
              "plain", "rcor", "snip", "synflow", "wrcor", "wrcor:linear", "wrcor:quadratic", "wrcor:reversed", "zen"),
    "few": ("acor", "jacov", "nwot", "rcor", "snip", "synflow", "wrcor"),
    "blocks": ("az_expressivity", "az_progressivity", "az_trainability", "meco", "zico"),
    "meco": ("meco",),
    "chosen": ("az_expressivity", "jacov", "meco", "zen"),
    "slow": ("grasp", "hessian", "jacob_fro", "near", "swap"),
}
PUBLISHED = ("params", "flops", "l2_norm", "synflow", "nwot", "snip", "grad_norm", "fisher", "jacov", "epe_nas",
             "grasp", "plain", "zen")
MEAN, DEVIATION = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)  # of the CIFAR-10 training images
COMPARED = 200
BEAM, LARGEST = 20, 4  # sets of scores kept of every size, scores in a set


def table(name: str) -> list[dict[str, str]]:
    with gzip.open(Path(os.environ["DCANAS_TABLES"]) / name, "rt") as file:
        return list(csv.DictReader(file))


def drawn(count: int, seed: int) -> list[dict[str, str]]:
    """Return rows of the Suite-Zero table, drawn without replacement among connected codes."""
    space = load_space("nasbench201")
    rows = [r for r in table("nasbench201_proxies_cifar10.csv.gz") if not space.is_dead(space.parse(r["architecture"]))]
    return [rows[i] for i in np.random.default_rng(seed).permutation(len(rows))[:count]]


def classes() -> list[Architecture]:
    """Return one member of every class of equal networks, connected ones only."""
    space = load_space("nasbench201")
    first: dict[Architecture, Architecture] = {}
    for row in member_choices(space):
        arch = as_architecture(space, row)
        first.setdefault(space.canonical(arch), arch)
    return list(first.values())


def of_classes(path: Path, archs: Sequence[Architecture]) -> dict[str, np.ndarray]:
    """Return the scores in a table of all classes (`--networks 0`) for any members, larger is better."""
    space = load_space("nasbench201")
    header, rows, _ = read_table(path)
    order = sorted(rows, key=lambda row: row["position"])
    place = {space.canonical(space.parse(row["architecture"])): i for i, row in enumerate(order)}
    at = [place[space.canonical(arch)] for arch in archs]
    return {name: oriented(name, column)[at] for name, column in columns(rows, header["names"]).items()}


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
    if options.images == "noise":
        images = np.random.default_rng(options.seed).normal(size=images.shape).astype(np.float32)
    scoring = Scoring("nasbench201", GROUPS[options.group], images, labels, seed=options.seed,
                      initialisation=options.initialisation)
    archs = ([space.parse(row["architecture"]) for row in drawn(options.networks, options.seed)] if options.networks
             else classes())
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
    judged = [(judge(values, accuracy, seed=options.seed, draws=options.draws), name, values)
              for name, values in table_rows.items()]
    for found, name, values in sorted(judged, key=lambda each: -each[0].spearman):
        low, high = found.spearman_interval
        given = partial_spearman(values, accuracy, ours["params"])
        print(f"| {name} | {found.spearman:.3f} ({low:.3f} to {high:.3f}) | {found.kendall:.3f} | "
              f"{found.weighted_kendall:.3f} | {found.precision_at_k:.2f} | {found.best_ranking_at_k} | "
              f"{found.best_tenth_spearman:.3f} | {given:.3f} | {int(np.isnan(values).sum())} | "
              f"{seconds.get(name, 0):.2f} |")


def combine(options: argparse.Namespace) -> None:
    header, rows = merged(options.out)
    chosen_on = np.arange(len(rows)) % 2 == 0
    if options.held_out:
        chosen_on[:] = True
        there = {row["architecture"] for row in rows}
        more = [row for row in merged(options.held_out)[1] if row["architecture"] not in there]
        rows = rows + [row | {"position": len(rows) + i} for i, row in enumerate(more)]
        chosen_on = np.append(chosen_on, np.zeros(len(more), bool))
    judged_on = ~chosen_on
    known = {r["architecture"]: r for r in table("nasbench201_accuracy.csv.gz")}
    validation, test = (np.array([float(known[row["architecture"]][column]) for row in rows])
                        for column in ("cifar10_val", "cifar10_test"))
    found = {name: oriented(name, np.array([values_of(row).get(name, np.nan) for row in rows], float))
             for name in header["names"]}
    sets = grown(found, validation, chosen_on)
    print(f"{len(rows)} networks: chosen on {chosen_on.sum()}, judged on the other {judged_on.sum()}\n\n| scores | "
          "aggregate | Kendall with validation, chosen on | Kendall with test, held out (95 % interval) |\n"
          "|---|---|---|---|")
    alone = next(each for each in sets if len(each[0]) == 1)
    held = [name for name in found if np.isfinite(found[name][judged_on]).any()]
    hindsight = (max(held, key=lambda name: kendall(found[name][judged_on], test[judged_on])),), borda
    best = max(((names, how) for names, how in sets if len(names) > 1),
               key=lambda each: kendall(combined(found, *each, chosen_on), validation[chosen_on]))
    missing = sorted({*best[0], *alone[0]} - set(held))
    if missing:
        sys.exit(f"What was chosen needs {', '.join(missing)}, which the held-out files do not have.")
    for label, each in (("", best), ("single, chosen likewise: ", alone), ("single, best in hindsight: ", hindsight)):
        values = combined(found, *each, judged_on)
        low, high = interval(kendall, values, test[judged_on], options.seed)
        print(f"| {label}{' + '.join(each[0])} | {each[1].__name__} | "
              f"{kendall(combined(found, *each, chosen_on), validation[chosen_on]):.3f} | "
              f"{kendall(values, test[judged_on]):.3f} ({low:.3f} to {high:.3f}) |")
    for label, other in (("the single one chosen", alone), ("the best single one in hindsight", hindsight)):
        gain, low, high = gained(combined(found, *best, judged_on), combined(found, *other, judged_on),
                                 test[judged_on], options.seed)
        print(f"\nOver {label}: {gain:+.3f} ({low:+.3f} to {high:+.3f}).")


Set = tuple[tuple[str, ...], object]


def grown(found: dict[str, np.ndarray], target: np.ndarray, on: np.ndarray) -> list[Set]:
    """Return the sets of scores tried that were kept, of every size the best by Kendall first."""
    kept: list[Set] = []
    grow: list[tuple[str, ...]] = [()]
    for _ in range(LARGEST):
        wider = {tuple(sorted({*names, more})) for names in grow for more in found if more not in names}
        tried = sorted(((names, how) for names in sorted(wider) for how in (borda, log_rank)), reverse=True,
                       key=lambda each: kendall(combined(found, *each, on), target[on]))
        kept += tried[:BEAM]
        grow = list(dict.fromkeys(names for names, _ in tried[:BEAM]))
    return kept


def combined(found: dict[str, np.ndarray], names: tuple[str, ...], how: object, on: np.ndarray) -> np.ndarray:
    return how(np.array([found[name][on] for name in names]))  # type: ignore[operator]


def gained(ours: np.ndarray, other: np.ndarray, target: np.ndarray, seed: int) -> tuple[float, float, float]:
    """Return the difference in Kendall with its paired bootstrap interval over networks."""
    rng = np.random.default_rng(seed)
    draws = [rng.integers(len(target), size=len(target)) for _ in range(1000)]
    found = [kendall(ours[i], target[i]) - kendall(other[i], target[i]) for i in draws]
    return kendall(ours, target) - kendall(other, target), *np.percentile(found, [2.5, 97.5])


def compare(options: argparse.Namespace) -> None:
    """Print every file's Spearman with test accuracy and with the first file's values, over the networks all hold."""
    read = [read_table(path)[:2] for path in options.out]
    common = set.intersection(*({row["position"] for row in rows} for _, rows in read))
    known = {r["architecture"]: float(r["cifar10_test"]) for r in table("nasbench201_accuracy.csv.gz")}
    names = [name for name in read[0][0]["names"] if all(name in header["names"] for header, _ in read[1:])]
    print(f"{len(common)} networks\n\n| file | batch | initialisation | {' | '.join(names)} |\n"
          f"|{'---|' * (3 + len(names))}")
    first: dict[str, np.ndarray] = {}
    for path, (header, rows) in zip(options.out, read, strict=True):
        kept = sorted((row for row in rows if row["position"] in common), key=lambda row: row["position"])
        accuracy = np.array([known[row["architecture"]] for row in kept])
        found = columns(kept, names)
        first = first or found
        told = [f"{spearman(oriented(name, found[name]), accuracy):.3f}" + (
            "" if found is first else f" (with the first: {spearman(found[name], first[name]):.3f})") for name in names]
        print(f"| {path.stem} | {header['images'][0]} | {header.get('initialisation', 'default')} | "
              f"{' | '.join(told)} |")


def _flops_error(codes: list[str], theirs: dict[str, dict[str, str]]) -> float:
    return max(abs(7.943872 + 35.8195 * code.count("conv_3x3") + 4.36224 * code.count("conv_1x1")
                   + 1.29024 * code.count("avg_pool") - float(theirs[code]["flops"])) for code in codes)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=["score", "report", "combine", "compare"])
    parser.add_argument("--out", type=Path, required=True, nargs="+", help="one file for score, any for report")
    parser.add_argument("--held-out", type=Path, nargs="+", help="of combine: judge on these files' other networks")
    parser.add_argument("--group", choices=list(GROUPS), default="quick")
    parser.add_argument("--networks", type=int, default=300, help="0: one of every class of equal networks, 6,284")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--images", choices=["data", "noise"], default="data")
    parser.add_argument("--initialisation", choices=list(INITIALISATIONS), default="default")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--draws", type=int, default=1000, help="of the bootstrap")
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    {"score": score, "report": report, "combine": combine, "compare": compare}[options.action](options)


if __name__ == "__main__":
    main(sys.argv[1:])
