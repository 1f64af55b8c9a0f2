"""Can a short training choose among the last few? Judges of at most eight candidates in at most five minutes.

    python -m tools judge_finalists short.jsonl own=meco.jsonl [runs=runs/one]

Reads what `train_finalists` wrote, with the same options. Printed: Kendall's tau of every judge with accuracy over the
random networks (95 % interval: bootstrap over networks), and with runs test accuracy and regret of what each judge
takes of the nominated finalists.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from dcanas.benchmarks.json_lines import read_rows
from dcanas.benchmarks.table_problem import make_problem, test_accuracies
from dcanas.proxies.rank_aggregation import AGGREGATES
from tools.intervals import taus
from tools.markdown import print_table
from tools.tables import print_chosen
from tools.train_finalists import LIMITS, best_by_vote, nominated, randomly
from tools.voters import SECOND, VOTE, Voters

Row = dict[str, Any]


def verdicts(rows: list[Row], votes: np.ndarray, again: np.ndarray) -> dict[str, np.ndarray]:
    """Return what each judge thinks of some networks, larger is better.

    Args:
        votes: what `search.rerank` and then `search.rerank_again` say.
        again: the second vote among these networks alone.
    """
    losses = np.array([row["losses"] for row in rows])
    found = {"the votes": votes, "the second vote": again,
             "accuracy on validation images": np.array([row["validation_accuracy"] for row in rows]),
             "loss on validation images": -np.array([row["validation_loss"] for row in rows]),
             "sum of training losses": -losses.sum(1),
             "sum of training losses, second half": -losses[:, losses.shape[1] // 2:].sum(1)}
    for name in ("accuracy on validation images", "loss on validation images", "sum of training losses, second half"):
        for vote, by in (("the votes", votes), ("the second vote", again)):
            found[f"{name}, beside {vote}"] = AGGREGATES["borda"](np.array([found[name], by]))
    return found


def places(order: np.ndarray, members: np.ndarray) -> np.ndarray:
    """Return an order of members as numbers, larger is better. Shape: (n,)."""
    ordered = order.tolist()
    return -np.array([ordered.index(member) for member in members.tolist()])


def main(trained: Path, *, own: Path | None = None, names: tuple[str, ...] = VOTE, second: tuple[str, ...] = SECOND,
         runs: tuple[Path, ...] = (), limits: tuple[str, ...] = LIMITS, finalists: int = 6, networks: int = 30,
         best: int = 300, seed: int = 0) -> None:
    """Print the tables.

    Args:
        trained: the file of trainings
        own: file of scores of all classes of equal networks
        runs: folders of finished searches
    """
    voters, test = Voters(own, names, second), test_accuracies()
    space, rows = make_problem(limits[0]).space, {row["architecture"]: row for row in read_rows(trained)}
    texts = [space.format(arch) for arch in voters.classes]
    of = {member: rows[text] for member, text in enumerate(texts) if text in rows}
    print(f"{len(rows)} trainings, {np.mean([row['processor_seconds'] for row in rows.values()]):.0f} s of one "
          "processor each")
    liked = best_by_vote(voters, limits[0], best)
    again = voters.ordered(liked, "second")
    drawn = np.array([member for member in randomly(liked, networks, seed) if member in of])
    print(f"\nThe second vote over all {len(liked)}: tau {taus(places(again, liked), voters.validation[liked])[0]} "
          f"with validation accuracy\n\n{len(drawn)} networks of the vote's best {best} within {limits[0]}")
    print_table(["judge", "tau, validation", "tau, test"], [
        [name, taus(values, voters.validation[drawn])[0], taus(values, test[drawn])[0]]
        for name, values in verdicts([of[m] for m in drawn], places(liked, drawn), places(again, drawn)).items()])
    chosen: dict[str, dict[str, list[float]]] = {}
    for (limit, _), named in nominated(voters, limits, runs, finalists).items():
        members, votes = np.array([m for m, _ in named]), np.array([vote for _, vote in named])
        if not all(member in of for member in members.tolist()):
            continue  # not all are trained
        last = places(voters.ordered(members, "second"), members)
        judged = verdicts([of[m] for m in members.tolist()], votes, last) | {"without error": test[members]}
        for name, values in judged.items():
            first = members[np.lexsort((votes, values))[-1]]
            chosen.setdefault(name, {}).setdefault(limit, []).append(test[first])
    if chosen:
        print(f"\nTest accuracy of what each judge takes of {finalists} finalists, mean over runs")
        print_chosen("judge", chosen)
