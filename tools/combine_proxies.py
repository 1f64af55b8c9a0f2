"""Chooses a combination of the scores of `score_proxies`, and judges the choice on other networks.

    python -m tools combine_proxies quick.jsonl,blocks.jsonl [held_out=chosen.jsonl]

Chosen by validation accuracy on every other network: sets of two to four scores and an aggregate, grown from the best
twenty of the size before. Judged on the other networks by test accuracy, against the single score chosen in the same
way and against the one that is best in hindsight; intervals are a paired bootstrap over networks. With held_out the
choice is made on all networks of the first files and judged on those of the others that are not among them.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from dcanas.basics.errors import UserError
from dcanas.proxies.judging import interval, kendall
from dcanas.proxies.votes import borda, log_rank
from tools.markdown import print_table
from tools.score_files import merged
from tools.tables import column

BEAM, LARGEST = 20, 4  # sets of scores kept of every size, scores in a set
Combination = tuple[tuple[str, ...], Callable[[np.ndarray], np.ndarray]]


class Networks:
    """Scores and accuracies of some networks."""

    def __init__(self, texts: list[str], scores: dict[str, np.ndarray], kept: np.ndarray, accuracy: str):
        known = column("nasbench201_accuracy", accuracy)
        self.scores = {name: values[kept] for name, values in scores.items()}
        self.accuracy = np.array([known[text] for text in np.array(texts)[kept]])

    def combined(self, combination: Combination) -> np.ndarray:
        names, aggregate = combination
        return aggregate(np.array([self.scores[name] for name in names]))

    def tau(self, combination: Combination) -> float:
        return kendall(self.combined(combination), self.accuracy)


def grown(networks: Networks) -> list[Combination]:
    """Return the sets of scores tried that were kept, of every size the best by Kendall first."""
    kept: list[Combination] = []
    grow: list[tuple[str, ...]] = [()]
    for _ in range(LARGEST):
        wider = {tuple(sorted({*names, more})) for names in grow for more in networks.scores if more not in names}
        tried = sorted(((names, how) for names in sorted(wider) for how in (borda, log_rank)), reverse=True,
                       key=networks.tau)
        kept += tried[:BEAM]
        grow = list(dict.fromkeys(names for names, _ in tried[:BEAM]))
    return kept


def main(files: tuple[Path, ...], *, held_out: tuple[Path, ...] = (), seed: int = 0) -> None:
    """Print the combination and how it does.

    Args:
        files: of scores
        held_out: files of the networks to judge on
    """
    texts, scores, _ = merged(files)
    chosen_on = np.arange(len(texts)) % 2 == 0 if not held_out else np.ones(len(texts), dtype=bool)
    others, other_scores, _ = merged(held_out or files)
    first = Networks(texts, scores, chosen_on, "cifar10_val")
    judged_on = ~np.isin(others, np.array(texts)[chosen_on])
    second = Networks(others, other_scores, judged_on, "cifar10_test")
    sets = grown(first)
    alone = next(each for each in sets if len(each[0]) == 1)
    best = max((each for each in sets if len(each[0]) > 1), key=first.tau)
    missing = sorted({*best[0], *alone[0]} - set(second.scores))
    if missing:
        raise UserError(f"What was chosen needs {', '.join(missing)}, which the held-out files do not have.")
    hindsight = max((((name,), borda) for name in second.scores if name in first.scores), key=second.tau)

    def row(label: str, each: Combination) -> list[str]:
        low, high = interval(kendall, second.combined(each), second.accuracy, seed)
        return [label + " + ".join(each[0]), each[1].__name__, f"{first.tau(each):.3f}",
                f"{second.tau(each):.3f} ({low:.3f} to {high:.3f})"]

    print(f"Chosen on {chosen_on.sum()} networks, judged on {judged_on.sum()} others")
    print_table(["scores", "aggregate", "Kendall with validation, chosen on",
                 "Kendall with test, held out (95 % interval)"], [
        row("", best), row("single, chosen likewise: ", alone), row("single, best in hindsight: ", hindsight)])
    for label, each in (("the single one chosen", alone), ("the best single one in hindsight", hindsight)):
        ours, theirs = second.combined(best), second.combined(each)
        low, high = interval(lambda rows, target, ours=ours, theirs=theirs: kendall(ours[rows.astype(int)], target)
                             - kendall(theirs[rows.astype(int)], target), np.arange(len(ours)), second.accuracy, seed)
        print(f"\nOver {label}: {second.tau(best) - second.tau(each):+.3f} ({low:+.3f} to {high:+.3f}).")
