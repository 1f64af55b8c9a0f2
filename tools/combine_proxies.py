"""Chooses a combination of the scores of `score_proxies`, and judges the choice on other networks.

    python -m tools combine_proxies quick.jsonl,blocks.jsonl [held_out=chosen.jsonl]

Chosen by validation accuracy on every other network: sets of two to four scores and an aggregate, grown from the best
twenty of the size before. Judged on the other networks by test accuracy, against the single score chosen in the same
way and against the one that is best in hindsight; intervals are a paired bootstrap over networks. With held_out the
choice is made on all networks of the first files and judged on those of the others that are not among them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
Scores = Mapping[str, np.ndarray]


def combined(scores: Scores, combination: Combination) -> np.ndarray:
    names, aggregate = combination
    return aggregate(np.array([scores[name] for name in names]))


def grown(scores: Scores, target: np.ndarray) -> list[Combination]:
    """Return the sets of scores tried that were kept, of every size the best by Kendall first."""
    kept: list[Combination] = []
    grow: list[tuple[str, ...]] = [()]
    for _ in range(LARGEST):
        wider = {tuple(sorted({*names, more})) for names in grow for more in scores if more not in names}
        tried = sorted(((names, how) for names in sorted(wider) for how in (borda, log_rank)), reverse=True,
                       key=lambda each: kendall(combined(scores, each), target))
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
    chosen_on = np.arange(len(texts)) % 2 == 0
    judged_texts, judged_scores = texts, scores
    if held_out:
        judged_texts, judged_scores, _ = merged(held_out)
        chosen_on[:] = True
    judged_on = np.array([text not in set(np.array(texts)[chosen_on]) for text in judged_texts])
    first = {name: values[chosen_on] for name, values in scores.items()}
    other = {name: values[judged_on] for name, values in judged_scores.items()}
    known = {name: column("nasbench201_accuracy", name) for name in ("cifar10_val", "cifar10_test")}
    validation = np.array([known["cifar10_val"][text] for text in np.array(texts)[chosen_on]])
    test = np.array([known["cifar10_test"][text] for text in np.array(judged_texts)[judged_on]])
    sets = grown(first, validation)
    alone = next(each for each in sets if len(each[0]) == 1)
    best = max((each for each in sets if len(each[0]) > 1),
               key=lambda each: kendall(combined(first, each), validation))
    hindsight = (max((name for name in other if name in first), key=lambda name: kendall(other[name], test)),), borda
    missing = sorted({*best[0], *alone[0]} - set(other))
    if missing:
        raise UserError(f"What was chosen needs {', '.join(missing)}, which the held-out files do not have.")

    def row(label: str, each: Combination) -> list[str]:
        values = combined(other, each)
        low, high = interval(kendall, values, test, seed)
        return [label + " + ".join(each[0]), each[1].__name__, f"{kendall(combined(first, each), validation):.3f}",
                f"{kendall(values, test):.3f} ({low:.3f} to {high:.3f})"]

    print(f"Chosen on {len(validation)} networks, judged on {len(test)} others")
    print_table(["scores", "aggregate", "Kendall with validation, chosen on",
                 "Kendall with test, held out (95 % interval)"], [
        row("", best), row("single, chosen likewise: ", alone), row("single, best in hindsight: ", hindsight)])
    for label, each in (("the single one chosen", alone), ("the best single one in hindsight", hindsight)):
        ours, theirs = combined(other, best), combined(other, each)

        def gain(rows: np.ndarray, target: np.ndarray, ours=ours, theirs=theirs) -> float:
            at = rows.astype(int)
            return kendall(ours[at], target) - kendall(theirs[at], target)

        every = np.arange(len(test))
        low, high = interval(gain, every, test, seed)
        print(f"\nOver {label}: {gain(every, test):+.3f} ({low:+.3f} to {high:+.3f}).")
