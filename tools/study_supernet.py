"""What a trained NAS-Bench-201 supernet knows of its members: its alphas, inherited accuracy, and both beside proxies.

    dcanas search data=folder data.root=photos data.size=32 data.fraction=0.256 budget=none run.dir=runs/one
    uv run python tools/study_supernet.py --scores quick.jsonl blocks.jsonl --runs runs/one [runs/two ...]

Kendall's tau with CIFAR-10 accuracy (`cifar10_val` of NATS-Bench, folder DCANAS_TABLES) over the first --networks of
the files that `tools/study_proxies.py score` writes, and within their truly best quarter. Judges: the search's own
score (sum of log-probabilities), the accuracy with inherited weights on --images images of the validation split, which
neither weights nor alphas have seen, batch norm by the batch; training-free scores and votes of them; and each of the
search's two beside the first vote, as one more voter. One line per run and judge; intervals are a bootstrap over
networks.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import torch
from dcanas.pipeline.session import Session
from study_judges import interval
from study_proxies import merged, table

from dcanas.basics.files import read_json
from dcanas.cli.compose import configure
from dcanas.costs import Budget
from dcanas.proxies.aggregates import AGGREGATES
from dcanas.proxies.table import columns
from dcanas.proxies.votes import oriented
from dcanas.search.gradient.bilevel import BilevelTrainer
from dcanas.search.pool import total_scores
from dcanas.spaces import Architecture
from dcanas.training.ranks import ALONE

BATCH = 250
VOTES = (("jacov", "synflow", "meco"), ("epe_nas", "synflow", "meco"), ("epe_nas", "synflow", "zen"),
         ("synflow", "jacov"))


def learnt(run: Path, threads: int) -> tuple[Session, BilevelTrainer]:
    """Return the session of a finished search and its supernet."""
    settings, options = configure([f"source={run}", f"run.threads={threads}"], "search")
    session = Session(settings, options, "study")
    found = BilevelTrainer(session.space, session.dataset, Budget(), [], settings.search, settings.seed,
                    settings.space.search_skeleton, torch.device("cpu"), ALONE)
    found.begin_from(run / "search")
    return session, found


def inherited(session: Session, supernet: BilevelTrainer, archs: list[Architecture], count: int) -> np.ndarray:
    """Return accuracies with inherited weights over the first `count` validation images."""
    dataset = session.dataset
    chosen = dataset.validation[:count]
    images = supernet.normalised(torch.from_numpy(dataset.images[chosen]).float() / 255).contiguous(
        memory_format=torch.channels_last)
    labels = torch.from_numpy(dataset.labels[chosen])
    found = []
    with torch.no_grad():
        for arch in archs:
            logits = torch.cat([supernet.supernet.forward_member(part, arch) for part in images.split(BATCH)])
            found.append(float((logits.argmax(1) == labels).float().mean()))
    return np.array(found)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scores", type=Path, nargs="+", required=True)
    parser.add_argument("--runs", type=Path, nargs="*", default=[])
    parser.add_argument("--networks", type=int, default=200)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(arguments)
    header, rows = merged(options.scores)
    rows = rows[:options.networks]
    values = {name: oriented(name, column) for name, column in columns(rows, header["names"]).items()}
    known = {row["architecture"]: float(row["cifar10_val"]) for row in table("nasbench201_accuracy.csv.gz")}
    accuracy = np.array([known[row["architecture"]] for row in rows])
    print(" ".join(["python tools/study_supernet.py", *arguments]))
    print(f"\n{len(rows)} networks, tau (95 % interval)\n\n"
          "| run | judge | all | best quarter |\n|---|---|---|---|")

    def tell(run: str, judge: str, votes: np.ndarray) -> None:
        print(f"| {run} | {judge} | {' | '.join(interval(votes, accuracy))} |", flush=True)

    for name in ("params", "synflow", "jacov", "epe_nas", "zen", "meco"):
        tell("", name, values[name])
    for names in VOTES:
        tell("", f"{' + '.join(names)}, log_rank", AGGREGATES["log_rank"](np.array([values[n] for n in names])))
    for run in options.runs:
        session, supernet = learnt(run, options.threads)
        archs = [session.space.parse(row["architecture"]) for row in rows]
        scores = [np.array(row) for row in read_json(run / "search" / "scores.json")["scores"]]
        own = {"alphas": total_scores(scores, np.array([arch.choices for arch in archs])),
               "inherited accuracy": inherited(session, supernet, archs, options.images)}
        for name, found in own.items():
            tell(run.name, name, found)
            beside = np.array([*(values[n] for n in VOTES[0]), found])
            tell(run.name, f"{name} beside {' + '.join(VOTES[0])}", AGGREGATES["log_rank"](beside))


if __name__ == "__main__":
    main(sys.argv[1:])
