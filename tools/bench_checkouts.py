"""Processor time of what every run does, in this checkout against another one (such as a worktree of an older commit).

    git worktree add ../before COMMIT
    python -m tools bench_checkouts before=../before

Every piece of work runs in a process of one thread, in both checkouts by turns. Its processor time, which counts the
whole process with its imports, hardly depends on what else the machine does. Results that the pieces print (accuracies,
scores) must be equal in both to 1e-5 relative.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

PIECES = ("import", "finalist", "training", "search", "scores", "feasibility")
SKELETON = {"channels": 16, "cells": 2}


def main(before: Path, *, rounds: int = 5, pieces: str = ",".join(PIECES)) -> None:
    """Print the table.

    Args:
        before: the other checkout
        rounds: of both, in turns
        pieces: names, separated by commas
    """
    from dcanas.basics.errors import UserError
    from tools.markdown import print_table

    here, rows = Path(__file__).parents[1], []
    for piece in pieces.split(","):
        seconds = np.empty((rounds, 2))
        results: list[Any] = [None, None]
        for turn in range(rounds):
            for which in (0, 1) if turn % 2 else (1, 0):
                seconds[turn, which], results[which] = _timed((before, here)[which], piece)
        if not np.allclose(*results, rtol=1e-5, atol=0):
            raise UserError(f"{piece}: {results[0]} in {before}, {results[1]} here.")
        ratios = seconds[:, 0] / seconds[:, 1]
        rows.append([piece, *(f"{np.median(column):.2f}" for column in seconds.T),
                     f"{np.median(ratios):.2f} ({ratios.min():.2f} to {ratios.max():.2f})"])
    print_table(["piece", "before, s", "now, s", "ratio"], rows)


def _timed(checkout: Path, piece: str) -> tuple[float, list[float]]:
    """Return the processor seconds of a piece in a new process, and its result."""
    begin = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, "-P", __file__, piece], check=True, capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": str(checkout.resolve()), "OMP_NUM_THREADS": "1"})
    end = resource.getrusage(resource.RUSAGE_CHILDREN)
    return end.ru_utime + end.ru_stime - begin.ru_utime - begin.ru_stime, json.loads(done.stdout.splitlines()[-1])


def do(piece: str) -> list[float]:
    """Do a piece of work and return its result."""
    import torch

    from dcanas.search.finalists import short_training
    from dcanas.spaces import load_space
    from dcanas.training import DataSpec, Recipe, load_data

    torch.set_num_threads(1)
    space, rng = load_space("nasbench201"), np.random.default_rng(0)
    members = [space.sample(rng) for _ in range(8)]
    if piece == "import":
        return []
    if piece in ("finalist", "training"):
        found = short_training(space, load_data(DataSpec("digits")), Recipe(batch_size=64),
                               2 if piece == "finalist" else 12, 0, members[0], skeleton=SKELETON)
        return [found["validation_accuracy"], found["validation_loss"]]
    if piece == "scores":
        from dcanas.proxies.table import Scoring, score_architecture

        images = rng.normal(size=(64, 3, 32, 32)).astype(np.float32)
        scoring = Scoring("nasbench201", ("synflow", "zen", "epe_nas"), images, np.arange(64) % 10, skeleton=SKELETON)
        return [value for arch in members for value in score_architecture(scoring, space, arch)["scores"].values()]
    if piece == "search":
        return _searched()
    from dcanas.costs import Domain
    from dcanas.costs.tabular import peak_cost

    domain = Domain(space.name, tuple(sorted(space.complete_skeleton({}).items())), (1, 8, 8), 10)
    return [float(peak_cost(space, domain).table.sum())]


def _searched() -> list[float]:
    """Return the last loss of a short search by gradient on the digits."""
    from tempfile import TemporaryDirectory

    from dcanas.basics.hooks import QUIET
    from dcanas.cli.compose import configure
    from dcanas.pipeline.context import Context

    with TemporaryDirectory() as folder:
        settings, options = configure(["search.epochs=3", "run.threads=1", f"run.dir={folder}/run"], "run")
        run = Context(settings, options, "", QUIET, writes=True)
        found = run.method.run(run.task())
        run.release()
    return [row["weights_loss"] for row in found["history"]]


if __name__ == "__main__":
    print(json.dumps(do(sys.argv[1])))
