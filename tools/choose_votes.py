"""Which training-free scores should vote, and how, where a limit binds: chosen by validation accuracy on tables.

    uv run python tools/choose_votes.py
    uv run python tools/choose_votes.py --more meco.jsonl     # scores of the whole space beside the published ones
    uv run python tools/choose_votes.py --own quick.jsonl     # scores of tools/study_proxies.py: do they agree?

NAS-Bench-201, scores of NAS-Bench-Suite-Zero, latencies of HW-NAS-Bench, in the folder DCANAS_TABLES names. Every set
of one to three of the 13 scores under each way to add ranks picks the best member within each of 72 limits (six
devices, twelve percentiles from 15 to 80); regret is against the best validation accuracy (`cifar10_val`) within the
limit, ties at their mean. The limits that results are reported for (percentiles 10, 25 and 50) and test accuracy are
printed last, for the set chosen and the largest-params rule alone.

`--own`: a few votes within 60 limits (six devices, percentiles 10 to 100 of those networks) on scores computed here.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from pathlib import Path

import numpy as np
from study_proxies import merged, of_classes
from study_zero_shot import SPACE, published, table

from dcanas.costs.members import as_architecture, member_choices
from dcanas.proxies.table import columns
from dcanas.proxies.votes import AGGREGATES, oriented

DEVICES = ("edgegpu", "raspi4", "edgetpu", "pixel3", "eyeriss", "fpga")
CHOSEN_ON, REPORTED = (15, 20, 30, 35, 40, 45, 55, 60, 65, 70, 75, 80), (10, 25, 50)
WAYS = ("borda", "log_rank", "worst_rank")
RULE = (("params",), "borda")
OWN = (RULE, (("jacov", "synflow"), "borda"), (("synflow", "jacov", "wrcor"), "copeland"),
       (("epe_nas", "synflow", "zen"), "log_rank"), (("jacov", "params", "zen"), "log_rank"))


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--own", type=Path, nargs="+")
    parser.add_argument("--more", type=Path)
    options = parser.parse_args(arguments)
    if options.own:
        judge_own(options.own)
    else:
        choose(options.more)


def judge_own(paths: list[Path]) -> None:
    header, rows = merged(paths)
    codes = [row["architecture"] for row in rows]
    costs, accuracies = table("hw_nas_bench_cifar10.csv.gz"), table("nasbench201_accuracy.csv.gz")
    accuracy = np.array([float(accuracies[code]["cifar10_val"]) for code in codes])
    values = {name: oriented(name, column) for name, column in columns(rows, header["names"]).items()}
    limits = []
    for device in DEVICES:
        latency = np.array([float(costs[code][f"{device}_latency"]) for code in codes])
        limits += [np.flatnonzero(latency <= np.percentile(latency, p)) for p in range(10, 101, 10)]
    print(f"{len(codes)} networks, {len(limits)} limits\n\n| scores | way | mean regret, validation |\n|---|---|---|")
    for voters, way in OWN:
        mean = np.mean([regret(values, voters, way, among, accuracy) for among in limits])
        print(f"| {', '.join(voters)} | {way} | {mean:.2f} |")


def regret(values: dict[str, np.ndarray], voters: tuple[str, ...], way: str, among: np.ndarray,
           accuracy: np.ndarray) -> float:
    """Return what the vote's choice `among` some networks loses to the best of them, ties at their mean."""
    votes = AGGREGATES[way](np.array([values[name][among] for name in voters]))
    return float(accuracy[among].max() - accuracy[among[votes == votes.max()]].mean())


def choose(more: Path | None) -> None:
    scores, costs, accuracies = (table(f"{name}.csv.gz") for name in (
        "nasbench201_proxies_cifar10", "hw_nas_bench_cifar10", "nasbench201_accuracy"))
    codes = [code for row in member_choices(SPACE) if (code := SPACE.format(as_architecture(SPACE, row))) in scores]
    names = sorted(set(next(iter(scores.values()))) - {"index", "architecture"})
    values = {name: np.array([published(scores[code], name) for code in codes]) for name in names}
    if more is not None:
        found = of_classes(more, [SPACE.parse(code) for code in codes])
        values, names = values | found, [*names, *found]
    validation, test = (np.array([float(accuracies[code][key]) for code in codes])
                        for key in ("cifar10_val", "cifar10_test"))

    def within(device: str, percent: int) -> np.ndarray:
        every = np.array([float(row[f"{device}_latency"]) for row in costs.values()])
        here = np.array([float(costs[code][f"{device}_latency"]) for code in codes])
        return np.flatnonzero((here > 0) & (here <= np.percentile(every[every >= 0], percent)))

    limits = [within(device, percent) for device in DEVICES for percent in CHOSEN_ON]
    asked = [(voters, way) for size in (1, 2, 3) for voters in itertools.combinations(names, size) for way in WAYS
             if size > 1 or way == "borda"]
    found = sorted((float(np.mean([regret(values, *one, among, validation) for among in limits])), one)
                   for one in asked)
    place = {one: number for number, (_, one) in enumerate(found, 1)}
    print(f"{len(asked)} votes, {len(limits)} limits, regret in validation accuracy\n\n"
          "| place | scores | way | mean regret |\n|---|---|---|---|")
    told = [*(one for _, one in found[:5]), (("epe_nas", "synflow", "zen"), "log_rank"),
            (("jacov", "synflow"), "borda"), RULE]
    for one in dict.fromkeys(told):
        print(f"| {place[one]} | {', '.join(one[0])} | {one[1]} | {found[place[one] - 1][0]:.2f} |")
    print("\n| limit | best member's test accuracy | regret: the first of these | largest params |\n|---|---|---|---|")
    for device, percent in itertools.product(DEVICES, REPORTED):
        among = within(device, percent)
        print(f"| {device} p{percent} | {test[among].max():.2f} | {regret(values, *found[0][1], among, test):.2f} "
              f"| {regret(values, *RULE, among, test):.2f} |")


if __name__ == "__main__":
    main(sys.argv[1:])
