"""Clean accuracy, robust accuracy and latency on NAS-Bench-201: predicted robustness against NSGA-II and chance.

    uv run python tools/study_robust_front.py

Every search may measure 200 networks; a network measured before costs nothing. Clean accuracy is the validation
accuracy of the table; robust accuracy (PGD, L-inf 1/255) exists there on test images only, so this study shows how well
a front is found, not what a network will do on new images. Latency: the table's of one device. The hypervolume above
(0 %, 0 %, the slowest network) is told as a share of that of all networks; searches are paired by seed.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import optuna
from scipy.stats import wilcoxon

from dcanas.benchmarks.robust_front import search_front
from dcanas.benchmarks.robustness_features import Features, cell_features
from dcanas.benchmarks.robustness_tables import RobustnessTable, load_robustness_table
from dcanas.search.pareto import hypervolume, non_dominated
from dcanas.spaces import load_space

EVALUATIONS = 200
ASKS = 20 * EVALUATIONS  # of NSGA-II, most of them for networks it knows
NSGA, PREDICTED = "NSGA-II (optuna, population 20)", "predicted, 13 proxies and cell"
Search = Callable[[int], list[int]]


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", type=Path, default=os.environ.get("DCANAS_TABLES"))
    parser.add_argument("--device", default="raspi4")
    parser.add_argument("--attack", default="pgd", choices=["fgsm", "pgd", "apgd", "square"])
    parser.add_argument("--seeds", type=int, default=10)
    options = parser.parse_args(arguments)
    if options.tables is None:
        parser.error("DCANAS_TABLES does not name the folder of published tables; give --tables")
    table = load_robustness_table(options.tables, every_code=True)
    with np.load(options.tables / "nasbench201_latency_devices.npz") as archive:
        latency = archive[options.device][table.indices]
    points = np.column_stack([table.target("clean"), table.target(options.attack), -latency])
    losses, reference = -points, (0.0, 0.0, float(latency.max()))
    best = np.flatnonzero(non_dominated(losses))
    most = hypervolume(losses[best], reference)
    cells = cell_features(load_space("nasbench201"), table.architectures)
    searches: dict[str, Search] = {
        "random": lambda seed: np.random.default_rng(seed).permutation(len(points))[:EVALUATIONS].tolist(),
        NSGA: lambda seed: nsga(table, points, seed),
        PREDICTED: lambda seed: predicted(table.proxies.beside(cells), points, latency, seed)}
    print(f"{len(points):,} networks, {options.attack}, {options.device}, {EVALUATIONS} evaluations, {options.seeds} "
          f"seeds; {len(best)} networks on the true front\n\n| search | share of the hypervolume %, mean "
          "(least, most) | on the true front | better than random, seeds | p (Wilcoxon, two-sided) |\n"
          "|---|---|---|---|---|", flush=True)
    shares = {}
    for name, search in searches.items():
        rows = [search(seed) for seed in range(options.seeds)]
        share = np.array([100 * hypervolume(losses[r], reference) / most for r in rows])
        shares[name] = share
        hits = np.mean([len(set(best.tolist()) & set(r)) for r in rows])
        against = share - shares["random"]
        p = f"{wilcoxon(against).pvalue:.3g}" if against.any() else "–"
        print(f"| {name} | {share.mean():.2f} ({share.min():.2f}, {share.max():.2f}) | {hits:.1f} | "
              f"{int((against > 0).sum())} of {options.seeds} | {p} |", flush=True)
    against = shares[PREDICTED] - shares[NSGA]
    print(f"\nPredicted (proxies and cell) against NSGA-II: {against.mean():+.2f} points, better in "
          f"{int((against > 0).sum())} of {options.seeds} seeds, p = {wilcoxon(against).pvalue:.3g}.")


def predicted(features: Features, points: np.ndarray, latency: np.ndarray, seed: int) -> list[int]:
    return search_front(features, latency, lambda row: (points[row, 0], points[row, 1]), EVALUATIONS, seed)


def nsga(table: RobustnessTable, points: np.ndarray, seed: int) -> list[int]:
    """Return the networks that NSGA-II measures; a code with dead edges is its pruned form, a dead one is nothing."""
    space = load_space("nasbench201")
    row_of = {arch: row for row, arch in enumerate(table.architectures)}
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(directions=["maximize"] * 3,
                                sampler=optuna.samplers.NSGAIISampler(population_size=20, seed=seed))
    rows: list[int] = []
    for _ in range(ASKS):
        trial = study.ask()
        code = space.architecture([trial.suggest_categorical(slot.name, range(len(slot.options)))
                                   for slot in space.slots])
        row = None if space.is_dead(code) else row_of.get(space.prune(code))
        if row is None:
            study.tell(trial, (0.0, 0.0, float(points[:, 2].min())))
            continue
        if row not in rows:
            rows.append(row)
        study.tell(trial, points[row].tolist())
        if len(rows) == EVALUATIONS:
            break
    return rows


if __name__ == "__main__":
    main(sys.argv[1:])
