"""What a trained NAS-Bench-201 supernet knows of its members: its alphas, inherited accuracy, and both beside proxies.

    dcanas search data=folder data.root=photos data.size=32 data.fraction=0.256 budget=none run.dir=runs/one
    python -m tools study_supernet scores=quick.jsonl,blocks.jsonl runs=runs/one,runs/two

Kendall's tau with CIFAR-10 accuracy (`cifar10_val` of NATS-Bench) over the first `networks` of the files that
`score_proxies` writes, and within their truly best quarter. Judges: the search's own score (sum of log-probabilities),
the accuracy with inherited weights on `images` images of the validation split, which neither weights nor alphas have
seen; training-free scores and votes of them; and each of the search's two beside the first vote, as one more voter.
Intervals are a bootstrap over networks.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from dcanas.proxies.votes import AGGREGATES
from dcanas.search.pool import total_scores
from tools.intervals import taus
from tools.markdown import print_table
from tools.score_files import merged
from tools.supernets import TrainedSupernet
from tools.tables import column
from tools.voters import stored_scores

VOTES = (("jacov", "synflow", "meco"), ("epe_nas", "synflow", "meco"), ("epe_nas", "synflow", "zen"),
         ("synflow", "jacov"))


def main(*, scores: tuple[Path, ...], runs: tuple[Path, ...] = (), networks: int = 200, images: int = 1000,
         threads: int = 1) -> None:
    """Print a line per run and judge.

    Args:
        scores: files of training-free scores
        runs: folders of finished searches by gradient
    """
    torch.set_num_threads(threads)
    texts, values, _ = merged(scores)
    texts, known = texts[:networks], column("nasbench201_accuracy", "cifar10_val")
    values = {name: found[:networks] for name, found in values.items()}
    accuracy = np.array([known[text] for text in texts])

    def judges() -> Iterator[tuple[str, str, np.ndarray]]:
        for name in ("params", "synflow", "jacov", "epe_nas", "zen", "meco"):
            if name in values:
                yield "", name, values[name]
        votes = [names for names in VOTES if set(names) <= set(values)]
        for names in votes:
            yield "", f"{' + '.join(names)}, log_rank", AGGREGATES["log_rank"](np.array([values[n] for n in names]))
        for run in runs:
            supernet = TrainedSupernet(run, images)
            archs = [supernet.space.parse(text) for text in texts]
            own = {"alphas": total_scores(stored_scores(run), np.array([arch.choices for arch in archs])),
                   "inherited accuracy": np.array([supernet.accuracy(arch) for arch in archs])}
            for name, found in own.items():
                yield run.name, name, found
                for names in votes[:1]:
                    beside = np.array([*(values[n] for n in names), found])
                    yield run.name, f"{name} beside {' + '.join(names)}", AGGREGATES["log_rank"](beside)

    print(f"{len(texts)} networks, tau (95 % interval)")
    print_table(["run", "judge", "all", "best quarter"],
                ([run, name, *taus(found, accuracy)] for run, name, found in judges()))
