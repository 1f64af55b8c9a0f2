"""Which training-free scores should vote, and how, where a limit binds: chosen by validation accuracy on tables.

    python -m tools choose_votes
    python -m tools choose_votes more=meco.jsonl     # scores of the whole space beside the published ones

NAS-Bench-201, scores of NAS-Bench-Suite-Zero, latencies of HW-NAS-Bench. Every set of one to three of the 13 scores
under each way to add ranks picks the best member within each of 72 limits (six devices, twelve percentiles from 15 to
80); regret is against the best validation accuracy (`cifar10_val`) within the limit, ties at their mean. The limits
that results are reported for (percentiles 10, 25 and 50) and test accuracy are printed last, for the set chosen and the
largest-params rule alone.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from dcanas.benchmarks.table_problem import make_problem, test_accuracies
from dcanas.proxies.aggregates import AGGREGATES
from tools.markdown import print_table
from tools.score_files import of_members
from tools.tables import NO_LIMIT, validation_accuracies

DEVICES = ("edgegpu", "raspi4", "edgetpu", "pixel3", "eyeriss", "fpga")
CHOSEN_ON, REPORTED = (15, 20, 30, 35, 40, 45, 55, 60, 65, 70, 75, 80), (10, 25, 50)
Vote = tuple[tuple[str, ...], str]  # the scores that vote, and how their ranks are added
RULE: Vote = (("params",), "borda")
NAMED: tuple[Vote, ...] = ((("epe_nas", "synflow", "zen"), "log_rank"), (("jacov", "synflow"), "borda"), RULE)


def regret(values: Mapping[str, np.ndarray], vote: Vote, among: np.ndarray, accuracy: np.ndarray) -> float:
    """Return what the vote's choice `among` some networks loses to the best of them, ties at their mean."""
    votes = AGGREGATES[vote[1]](np.array([values[name][among] for name in vote[0]]))
    return float(accuracy[among].max() - accuracy[among[votes == votes.max()]].mean())


def main(*, more: Path | None = None) -> None:
    """Choose among all votes and print the best.

    Args:
        more: scores of all classes of equal networks
    """
    values = make_problem(NO_LIMIT).scores
    values = values | (of_members(more) if more else {})
    validation, test = validation_accuracies(), test_accuracies()

    def within(device: str, percent: int) -> np.ndarray:
        return np.flatnonzero(make_problem(f"{device}.latency_ms:p{percent}").feasible)

    limits = [within(device, percent) for device in DEVICES for percent in CHOSEN_ON]
    votes: list[Vote] = [(names, way) for size in (1, 2, 3) for names in itertools.combinations(sorted(values), size)
                         for way in ("borda", "log_rank", "worst_rank") if size > 1 or way == "borda"]
    found = sorted((float(np.mean([regret(values, vote, among, validation) for among in limits])), vote)
                   for vote in votes)
    place = {vote: number for number, (_, vote) in enumerate(found, 1)}
    print(f"{len(votes)} votes, {len(limits)} limits, regret in validation accuracy")
    print_table(["place", "scores", "way", "mean regret"], [
        [place[vote], ", ".join(vote[0]), vote[1], f"{found[place[vote] - 1][0]:.2f}"]
        for vote in dict.fromkeys([*(vote for _, vote in found[:5]), *NAMED])])
    asked = [(f"{device} p{percent}", within(device, percent)) for device in DEVICES for percent in REPORTED]
    print_table(["limit", "best member's test accuracy", "regret: the first of these", "largest params"], [
        [name, f"{test[among].max():.2f}", *(f"{regret(values, vote, among, test):.2f}"
                                             for vote in (found[0][1], RULE))] for name, among in asked])
