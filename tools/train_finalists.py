"""Trains networks briefly, as the product trains finalists, for `judge_finalists`.

    dcanas search data=folder data.root=photos data.size=32 data.fraction=0.256 budget=none run.dir=runs/one
    python -m tools train_finalists data=photos out=short.jsonl own=meco.jsonl
    python -m tools train_finalists data=photos out=short.jsonl own=meco.jsonl runs=runs/one

Appends one line per network: the loss of every epoch of a short training (the product's own,
`dcanas.search.finalists.short_training`) on the training split and what is then right on the validation split.
Networks: `networks` at random of the `best` that the vote likes most within the first limit, or, with runs, the
`finalists` that the product nominates after `search.rerank` and `search.rerank_again` (by the votes, and the largest by
parameters and by MACs); what is there is not trained again, so that several processes can share the work.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dcanas.basics.hooks import Hooks
from dcanas.benchmarks.json_lines import append_row, read_rows
from dcanas.benchmarks.table_problem import make_problem
from dcanas.search.finalists import nominate, short_training
from dcanas.search.pool import Candidate
from dcanas.training import DataSpec, Recipe, load_data
from tools.tables import NO_LIMIT, REPORTED
from tools.voters import PAIRS, SECOND, VOTE, Voters, network_sizes, stored_scores

RERANKED = 200  # networks that vote before the finalists
LIMITS = (*REPORTED, *PAIRS, NO_LIMIT)
Nominated = list[tuple[int, float]]  # members, each with minus its place in the order of the votes


def best_by_vote(voters: Voters, limit: str, count: int) -> np.ndarray:
    """Return the members that the vote likes most within a limit."""
    return voters.ordered(np.flatnonzero(make_problem(limit).feasible))[:count]


def randomly(best: np.ndarray, count: int, seed: int) -> list[int]:
    """Return `count` of some members at random."""
    return np.random.default_rng(seed).choice(best, count, replace=False).tolist()


def nominated(voters: Voters, limits: Sequence[str], runs: Sequence[Path],
              finalists: int) -> dict[tuple[str, int], Nominated]:
    """Return the finalists of every limit and run as the product nominates them, by the votes and the largest."""
    found = {}
    for limit in limits:
        problem = make_problem(limit)
        for seed, run in enumerate(runs):
            order = voters.again(voters.reranked(problem, stored_scores(run), seed, RERANKED))
            pool = [Candidate(voters.classes[member], -place, "vote") for place, member in enumerate(order)]
            members = {candidate: int(member) for candidate, member in zip(pool, order, strict=True)}
            named = nominate(pool, finalists, network_sizes(problem.space))[:finalists]
            found[limit, seed] = [(members[candidate], candidate.score) for candidate, _ in named]
    return found


class Losses(Hooks):
    """Keeps the training loss of every epoch."""

    def __init__(self) -> None:
        self.losses: list[float] = []

    def epoch(self, step: int, row: Mapping[str, Any]) -> None:
        self.losses.append(round(row["loss"], 5))


def main(*, data: Path, out: Path, own: Path | None = None, names: tuple[str, ...] = VOTE,
         second: tuple[str, ...] = SECOND, runs: tuple[Path, ...] = (), limits: tuple[str, ...] = LIMITS,
         finalists: int = 6, networks: int = 30, best: int = 300, seed: int = 0, fraction: float = 0.2, size: int = 32,
         epochs: int = 2, batch: int = 64, channels: int = 16, cells: int = 5, threads: int = 1) -> None:
    """Train the networks that are not in the file yet.

    Args:
        data: images as folders, train/ and test/
        out: file of the trainings
        own: file of scores of all classes of equal networks
        names: scores that vote
        second: scores that vote again on the first few
        runs: folders of finished searches
        fraction: of the training images
        size: height and width of the images
    """
    torch.set_num_threads(threads)
    voters, space = Voters(own, names, second), make_problem(NO_LIMIT).space
    members = (list(dict.fromkeys(m for each in nominated(voters, limits, runs, finalists).values() for m, _ in each))
               if runs else randomly(best_by_vote(voters, limits[0], best), networks, seed))
    dataset = load_data(DataSpec("folder", str(data), size, fraction=fraction))
    for number, member in enumerate(members, 1):
        text = space.format(voters.classes[member])
        if text in {row["architecture"] for row in read_rows(out)}:
            continue
        history, start = Losses(), time.process_time()
        found = short_training(space, dataset, Recipe(batch_size=batch), epochs, seed, voters.classes[member], history,
                               skeleton={"channels": channels, "cells": cells})
        row = {"architecture": text, **found, "losses": history.losses,
               "processor_seconds": time.process_time() - start}
        append_row(out, row)
        print(f"{number} of {len(members)}: {text} {found['validation_accuracy']:.3f} in "
              f"{row['processor_seconds']:.0f} s", flush=True)
