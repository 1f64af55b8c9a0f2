"""Can a short training choose among the last few? Judges of at most eight candidates in at most five minutes.

    dcanas search data=folder data.root=photos data.size=32 data.fraction=0.256 budget=none run.dir=runs/one
    uv run python tools/study_finalists.py train --own meco.jsonl --out short.jsonl --data photos
    uv run python tools/study_finalists.py train --own meco.jsonl --out short.jsonl --data photos --runs runs/one ...
    uv run python tools/study_finalists.py judge --own meco.jsonl --in short.jsonl [--runs runs/one ...]

NAS-Bench-201, tables in the folder DCANAS_TABLES. `train` appends to --out one line per network: the loss of every
epoch of a short training (the product's own, `dcanas.search.finalists.short_training`) on the training split and what is then
right on the validation split. Networks: --networks at random of the --best that the vote likes most within the
first limit, or, with --runs, the --finalists that the product nominates after `search.rerank` and
`search.rerank_again` (by the votes, and the largest by parameters and by MACs); what is there is not trained again.
`judge` tells Kendall's tau with accuracy over the former (95 % interval: bootstrap over networks), and test accuracy
and regret of what each judge takes of the latter.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from dcanas.pipeline.session import Session
from study_judges import interval
from voters import NONE, PAIRS, REPORTED, Voters, network_sizes, stored_scores

from dcanas.basics.hooks import Hooks
from dcanas.benchmarks.table_problem import make_problem, test_accuracies
from dcanas.cli.compose import configure
from dcanas.proxies.aggregates import AGGREGATES
from dcanas.search.finalists import nominate, short_training
from dcanas.search.pool import Candidate

RERANKED = 200  # networks that vote before the finalists


def randomly(voters: Voters, options: argparse.Namespace) -> list[int]:
    """Return `networks` members at random of the `best` by vote within the first limit."""
    best = voters.ordered(np.flatnonzero(make_problem(options.limits[0]).feasible))[:options.best]
    return np.random.default_rng(options.seed).choice(best, options.networks, replace=False).tolist()


def firsts(voters: Voters, options: argparse.Namespace) -> dict[tuple[str, int], list[tuple[int, float]]]:
    """Return the finalists of every limit and run as the product nominates them, by the votes and the largest, each
    with minus its place in the order of the votes."""
    found = {}
    for limit in options.limits:
        problem = make_problem(limit)
        for seed, run in enumerate(options.runs):
            order = voters.again(voters.reranked(problem, stored_scores(run), seed, RERANKED))
            pool = [Candidate(voters.classes[member], -place, "vote") for place, member in enumerate(order)]
            members = {candidate: int(member) for candidate, member in zip(pool, order, strict=True)}
            named = nominate(pool, options.finalists, network_sizes(problem.space))
            found[limit, seed] = [(members[candidate], candidate.score) for candidate, _ in named[:options.finalists]]
    return found


def trained(path: Path) -> dict[str, dict[str, Any]]:
    """Return the whole lines of a file of trainings by canonical architecture."""
    lines = path.read_text().splitlines(keepends=True) if path.exists() else []
    rows = [json.loads(line) for line in lines if line.endswith("\n")]
    return {row["architecture"]: row for row in rows}


def train(options: argparse.Namespace) -> None:
    voters, problem = Voters(options.own, options.names, options.second), make_problem(NONE)
    members = (list(dict.fromkeys(m for each in firsts(voters, options).values() for m, _ in each)) if options.runs
               else randomly(voters, options))
    settings, run = configure(["data=folder", f"data.root={options.data}", f"data.size={options.size}",
                               f"data.fraction={options.fraction}", f"train.batch_size={options.batch}",
                               f"run.threads={options.threads}", "budget=none"], "search")
    session = Session(settings, run, "study")
    examine = short_training(session.space, session.dataset, settings.train, options.epochs, options.seed,
                             skeleton={"channels": options.channels, "cells": options.cells})
    torch.set_num_threads(options.threads)
    for number, member in enumerate(members, 1):
        text = problem.space.format(voters.classes[member])
        if text in trained(options.out):  # another process may have been quicker
            continue
        history = Losses()
        start = time.process_time()
        found = examine(voters.classes[member], history)
        row = {"architecture": text, **found, "losses": history.losses,
               "processor_seconds": time.process_time() - start}
        with options.out.open("a") as file:
            file.write(json.dumps(row) + "\n")
        print(f"{number} of {len(members)}: {text} {found['validation_accuracy']:.3f} in "
              f"{row['processor_seconds']:.0f} s", flush=True)


class Losses(Hooks):
    """Keeps the training loss of every epoch."""

    def __init__(self) -> None:
        self.losses: list[float] = []

    def epoch(self, step: int, row: Mapping[str, Any]) -> None:
        self.losses.append(round(row["loss"], 5))


def verdicts(rows: list[dict[str, Any]], votes: np.ndarray, again: np.ndarray) -> dict[str, np.ndarray]:
    """Return what each judge thinks of some networks, larger is better.

    votes: what `search.rerank` and then `search.rerank_again` say; again: the second vote among these networks alone.
    """
    losses = np.array([row["losses"] for row in rows])
    half = losses.shape[1] // 2
    found = {"the votes": votes, "the second vote": again,
             "accuracy on validation images": np.array([row["validation_accuracy"] for row in rows]),
             "loss on validation images": -np.array([row["validation_loss"] for row in rows]),
             "sum of training losses": -losses.sum(1),
             "sum of training losses, second half": -losses[:, half:].sum(1)}
    for name in ("accuracy on validation images", "loss on validation images", "sum of training losses, second half"):
        for vote, by in (("the votes", votes), ("the second vote", again)):
            found[f"{name}, beside {vote}"] = AGGREGATES["borda"](np.array([found[name], by]))
    return found


def judge(options: argparse.Namespace) -> None:
    voters, problem, test = Voters(options.own, options.names, options.second), make_problem(NONE), test_accuracies()
    rows = trained(options.read)
    texts = [problem.space.format(arch) for arch in voters.classes]
    of = {member: rows[text] for member, text in enumerate(texts) if text in rows}
    print(" ".join(["python tools/study_finalists.py", *sys.argv[1:]]))
    seconds = [row["processor_seconds"] for row in rows.values()]
    print(f"\n{len(rows)} trainings, {np.mean(seconds):.0f} s of one processor each")
    drawn = [member for member in randomly(voters, options) if member in of]
    best = voters.ordered(np.flatnonzero(make_problem(options.limits[0]).feasible))[:options.best]
    votes, again = (-np.array([order.tolist().index(member) for member in drawn])
                    for order in (best, voters.ordered(best, "second")))
    print(f"\nThe second vote over all {len(best)}: "
          f"tau {interval(again_of(voters, best), voters.validation[best])[0]} with validation accuracy")
    print(f"\n{len(drawn)} networks of the vote's best {options.best} within {options.limits[0]}\n\n"
          "| judge | tau, validation | tau, test |\n|---|---|---|")
    for name, values in verdicts([of[m] for m in drawn], votes, again).items():
        print(f"| {name} | {interval(values, voters.validation[drawn])[0]} | {interval(values, test[drawn])[0]} |")
    if not options.runs:
        return
    finalists = {key: named for key, named in firsts(voters, options).items() if all(m in of for m, _ in named)}
    print(f"\nTest accuracy of what each judge takes of {options.finalists} finalists, mean over runs "
          "(in brackets how many were trained)\n")
    chosen: dict[str, dict[str, list[float]]] = {}
    for (limit, _), named in finalists.items():
        members, votes = np.array([m for m, _ in named]), np.array([vote for _, vote in named])
        for name, values in verdicts([of[m] for m in members.tolist()], votes, again_of(voters, members)).items():
            first = max(range(len(members)), key=lambda i: (values[i], votes[i]))
            chosen.setdefault(name, {}).setdefault(limit, []).append(test[members[first]])
    for (limit, _), named in finalists.items():
        chosen.setdefault("without error", {}).setdefault(limit, []).append(max(test[m] for m, _ in named))
    oracles = {limit: test[make_problem(limit).feasible].max() for limit in dict.fromkeys(key[0] for key in finalists)}
    counts = {limit: len(values) for limit, values in chosen["the votes"].items()}
    print(f"| judge | {' | '.join(f'{limit} ({counts[limit]})' for limit in oracles)} | mean regret |")
    print("|---" * (len(oracles) + 2) + "|")
    print(f"| best feasible | {' | '.join(f'{best:.2f}' for best in oracles.values())} | |")
    for name, by_limit in chosen.items():
        means = [float(np.mean(by_limit[limit])) for limit in oracles]
        regret = np.mean([best - mean for best, mean in zip(oracles.values(), means, strict=True)])
        print(f"| {name} | {' | '.join(f'{mean:.2f}' for mean in means)} | {regret:.2f} |")


def again_of(voters: Voters, members: np.ndarray) -> np.ndarray:
    """Return the second vote's order of some members as numbers, larger is better."""
    order = voters.ordered(members, "second").tolist()
    return -np.array([order.index(member) for member in members.tolist()])


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    for name, function in (("train", train), ("judge", judge)):
        command = commands.add_parser(name)
        command.set_defaults(function=function)
        command.add_argument("--own", type=Path)
        command.add_argument("--names", nargs="+", default=["jacov", "synflow", "meco"])
        command.add_argument("--second", nargs="+", default=["zen", "meco"])
        command.add_argument("--runs", type=Path, nargs="*", default=[])
        command.add_argument("--limits", nargs="+", default=[*REPORTED, *PAIRS, NONE])
        command.add_argument("--finalists", type=int, default=6)
        command.add_argument("--networks", type=int, default=30)
        command.add_argument("--best", type=int, default=300)
        command.add_argument("--seed", type=int, default=0)
        if name == "judge":
            command.add_argument("--in", dest="read", type=Path, required=True)
            continue
        command.add_argument("--out", type=Path, required=True)
        command.add_argument("--data", type=Path, required=True, help="images as folders, train/ and test/")
        command.add_argument("--fraction", type=float, default=0.2, help="of the training images")
        command.add_argument("--size", type=int, default=32, help="height and width of the images")
        command.add_argument("--epochs", type=int, default=2)
        command.add_argument("--batch", type=int, default=64)
        command.add_argument("--channels", type=int, default=16)
        command.add_argument("--cells", type=int, default=5)
        command.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(arguments)
    options.function(options)


if __name__ == "__main__":
    main(sys.argv[1:])
