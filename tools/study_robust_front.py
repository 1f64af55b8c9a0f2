"""Clean accuracy, robust accuracy and latency on NAS-Bench-201: predicted robustness against NSGA-II and chance.

    python -m tools study_robust_front

Every search may measure 200 networks; a network measured before costs nothing. Clean accuracy is the validation
accuracy of the table; robust accuracy (PGD, L-inf 1/255) exists there on test images only, so this study shows how well
a front is found, not what a network will do on new images. Latency: the table's of one device. The hypervolume above
(0 %, 0 %, the slowest network) is given as a share of that of all networks; searches are paired by seed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

import numpy as np
import optuna
from scipy.stats import wilcoxon

from dcanas.benchmarks.robust_front import search_front
from dcanas.benchmarks.robustness_features import cell_features
from dcanas.benchmarks.robustness_tables import RobustnessTable, load_robustness_table
from dcanas.hardware.latency.table_files import read_arrays, tables_folder
from dcanas.search.pareto import hypervolume, non_dominated
from dcanas.spaces import load_space
from tools.markdown import print_table

EVALUATIONS = 200
ASKS = 20 * EVALUATIONS  # of NSGA-II, most of them for networks it knows
NSGA, PREDICTED = "NSGA-II (optuna, population 20)", "predicted, 13 proxies and cell"


def nsga(table: RobustnessTable, points: np.ndarray, seed: int) -> list[int]:
    """Return the networks that NSGA-II measures; a code with dead edges is its pruned form, a dead one is nothing."""
    space = load_space("nasbench201")
    row_of = {arch: row for row, arch in enumerate(table.architectures)}
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(directions=["maximize"] * 3,
                                sampler=optuna.samplers.NSGAIISampler(population_size=20, seed=seed))
    rows: dict[int, None] = {}
    for _ in range(ASKS):
        trial = study.ask()
        code = space.architecture([trial.suggest_categorical(slot.name, range(len(slot.options)))
                                   for slot in space.slots])
        row = None if space.is_dead(code) else row_of.get(space.prune(code))
        if row is None:
            study.tell(trial, (0.0, 0.0, float(points[:, 2].min())))
            continue
        rows[row] = None
        study.tell(trial, points[row].tolist())
        if len(rows) == EVALUATIONS:
            break
    return list(rows)


def main(*, device: str = "raspi4", attack: Literal["fgsm", "pgd", "apgd", "square"] = "pgd", seeds: int = 10) -> None:
    """Print the comparison.

    Args:
        device: of HELP's table
    """
    folder, space = tables_folder(), load_space("nasbench201")
    table = load_robustness_table(folder, every_code=True)
    latency = read_arrays(folder / "nasbench201_latency_devices.npz", len(list(space.enumerate())))[device]
    latency = latency[table.indices]
    points = np.column_stack([table.target("clean"), table.target(attack), -latency])
    losses, reference = -points, (0.0, 0.0, float(latency.max()))
    features = table.proxies.beside(cell_features(space, table.architectures))
    searches: dict[str, Callable[[int], list[int]]] = {
        "random": lambda seed: np.random.default_rng(seed).permutation(len(points))[:EVALUATIONS].tolist(),
        NSGA: lambda seed: nsga(table, points, seed),
        PREDICTED: lambda seed: search_front(features, latency, lambda row: (points[row, 0], points[row, 1]),
                                             EVALUATIONS, seed)}
    best, shares = np.flatnonzero(non_dominated(losses)), {}

    def rows() -> Iterator[list[str]]:
        most = hypervolume(losses[best], reference)
        for name, search in searches.items():
            found = [search(seed) for seed in range(seeds)]
            share = np.array([100 * hypervolume(losses[r], reference) / most for r in found])
            shares[name] = share
            hits = np.mean([len({*best.tolist()} & {*r}) for r in found])
            against = share - shares["random"]
            yield [name, f"{share.mean():.2f} ({share.min():.2f}, {share.max():.2f})", f"{hits:.1f}",
                   f"{(against > 0).sum()} of {seeds}", f"{wilcoxon(against).pvalue:.3g}" if against.any() else "–"]

    print(f"{len(points):,} networks, {attack}, {device}, {EVALUATIONS} evaluations, {seeds} seeds; {len(best)} "
          "networks on the true front")
    print_table(["search", "share of the hypervolume %, mean (least, most)", "on the true front",
                 "better than random, seeds", "p (Wilcoxon, two-sided)"], rows())
    against = shares[PREDICTED] - shares[NSGA]
    print(f"\nPredicted (proxies and cell) against NSGA-II: {against.mean():+.2f} points, better in "
          f"{(against > 0).sum()} of {seeds} seeds, p = {wilcoxon(against).pvalue:.3g}.")
