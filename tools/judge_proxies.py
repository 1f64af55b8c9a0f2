"""Judges the scores of `score_proxies` against published values and accuracy.

    python -m tools judge_proxies quick.jsonl,blocks.jsonl

Speaks of the networks that all files hold; the first 200 serve the comparison with published values.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dcanas.benchmarks.judged_data import PROXIES
from dcanas.proxies.rank_aggregation import COMBINATIONS, combine, oriented
from dcanas.proxies.rank_statistics import partial_spearman, rank_statistics, spearman
from tools.markdown import print_table
from tools.score_files import merged
from tools.tables import column

COMPARED = 200


def main(files: tuple[Path, ...], *, seed: int = 0, draws: int = 1000) -> None:
    """Print both comparisons.

    Args:
        files: of scores, made with the same images and networks
        draws: of the bootstrap
    """
    texts, ours, rows = merged(files)
    known = column("nasbench201_accuracy", "cifar10_test")
    accuracy, first = np.array([known[text] for text in texts]), texts[:COMPARED]
    print(f"{len(rows)} networks\n\nAgainst NAS-Bench-Suite-Zero over the first {len(first)}")
    theirs = {name: np.array([table[text] for text in first]) for name in PROXIES
              for table in [column("nasbench201_proxies_cifar10", name)]}

    def against(name: str) -> list[str]:
        mine, published, truth = ours[name][:COMPARED], oriented(name, theirs[name]), accuracy[:COMPARED]
        a, b = spearman(mine, truth), spearman(published, truth)
        return [name, f"{spearman(mine, published):.3f}", f"{a:.3f}", f"{b:.3f}", f"{a - b:+.3f}"]

    print_table(["proxy", "Spearman with theirs", "ours with accuracy", "theirs with accuracy", "difference"],
                (against(name) for name in PROXIES if name in ours))
    if "params" in ours:
        off = np.abs(ours["params"][:COMPARED] - theirs["params"]).max()
        print(f"\nparams differ from theirs by at most {off:.1e}. ", end="")
    counted = np.array([7.943872 + 35.8195 * text.count("conv_3x3") + 4.36224 * text.count("conv_1x1")
                        + 1.29024 * text.count("avg_pool") for text in first])
    print(f"Their flops equal 7.943872 + 35.8195 n3 + 4.36224 n1 + 1.29024 pools within "
          f"{np.abs(counted - theirs['flops']).max():.1e} M.\n\nAgainst CIFAR-10 test accuracy over all")
    unoriented = {name: oriented(name, values) for name, values in ours.items()}
    scores = ours | {f"vote {name}": combine(name, unoriented)
                     for name, members in COMBINATIONS.items() if set(members) <= set(ours)}
    judged = {name: rank_statistics(values, accuracy, seed=seed, draws=draws) for name, values in scores.items()}

    def against_accuracy(name: str) -> list[str]:
        found, values = judged[name], scores[name]
        low, high = found.spearman_interval
        given = partial_spearman(values, accuracy, ours["params"]) if "params" in ours else np.nan
        return [name, f"{found.spearman:.3f} ({low:.3f} to {high:.3f})", f"{found.kendall:.3f}",
                f"{found.weighted_kendall:.3f}", f"{found.precision_at_k:.2f}", str(found.best_ranking_at_k),
                f"{found.best_tenth_spearman:.3f}", f"{given:.3f}", str(np.isnan(values).sum()),
                f"{np.median([row['seconds'].get(name, 0) for row in rows]):.2f}"]

    print_table(["score", "Spearman (95 % interval)", "Kendall", "weighted Kendall", "precision@10", "best of top 10",
                 "Spearman, best tenth", "given params", "failed", "seconds"],
                map(against_accuracy, sorted(judged, key=lambda name: -judged[name].spearman)))
