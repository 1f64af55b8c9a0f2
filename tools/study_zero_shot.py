"""Zero-shot search under device limits on published tables, against the largest network within the limit.

    uv run python tools/study_zero_shot.py

NAS-Bench-201, scores of NAS-Bench-Suite-Zero (`--names`), latency of HW-NAS-Bench,
CIFAR-10 test accuracy of the published training; the tables are read from the folder DCANAS_TABLES names. Members
without published scores are not proposed. "rule" is the member with the most parameters within the limit (ties: their
mean), "oracle" the best test accuracy; the paired interval is that of search minus rule over seeds.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import os
import sys
from pathlib import Path

import numpy as np

from dcanas.costs import Budget, TabularCost
from dcanas.costs.members import as_architecture, member_choices
from dcanas.search.zero_shot.loop import zero_shot
from dcanas.search.zero_shot.zero_shot_settings import ZeroShotSettings
from dcanas.spaces import load_space

SPACE = load_space("nasbench201")
UNSCORED = 1e9  # a latency no limit admits, for members that the table of scores leaves out


def table(name: str) -> dict[str, dict[str, str]]:
    with gzip.open(Path(os.environ["DCANAS_TABLES"]) / name, "rt") as file:
        return {row["architecture"]: row for row in csv.DictReader(file)}


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--names", nargs="+", default=ZeroShotSettings().names)
    parser.add_argument("--aggregate", default=ZeroShotSettings().aggregate)
    parser.add_argument("--limits", nargs="+", default=["edgegpu:50", "raspi4:25"], help="DEVICE:PERCENTILE")
    parser.add_argument("--strategies", nargs="+", default=["random", "evolution", "reinforce"])
    parser.add_argument("--evaluations", type=int, default=1000)
    parser.add_argument("--seeds", type=int, default=10)
    options = parser.parse_args(arguments)
    scores, costs = table("nasbench201_proxies_cifar10.csv.gz"), table("hw_nas_bench_cifar10.csv.gz")
    accuracy = {code: float(row["cifar10_test"]) for code, row in table("nasbench201_accuracy.csv.gz").items()}
    print(" ".join(["python tools/study_zero_shot.py", *arguments]))
    print(f"{', '.join(options.names)} by {options.aggregate}, {options.evaluations} evaluations, {options.seeds} "
          "seeds\n\n| limit | strategy | test accuracy, mean (sd) | rule | search - rule (95 % interval) | oracle | "
          "within the limit |\n|---|---|---|---|---|---|---|")
    members = [as_architecture(SPACE, row) for row in member_choices(SPACE)]
    for device, percentile in (limit.split(":") for limit in options.limits):
        percent = int(percentile)
        column = {code: float(row[f"{device}_latency"]) for code, row in costs.items()}
        limit = float(np.percentile([v for v in column.values() if v >= 0], percent))
        latencies = np.full([len(s.options) for s in SPACE.slots], UNSCORED)
        for arch in members:
            code = SPACE.format(arch)
            if code in scores and column[code] > 0:
                latencies[arch.choices] = column[code]
        cost = TabularCost(latencies, "latency_ms", "ms", "looked up")
        within = [SPACE.format(a) for a in members if latencies[a.choices] <= limit]
        most = max(float(scores[code]["params"]) for code in within)
        rule = float(np.mean([accuracy[code] for code in within if float(scores[code]["params"]) == most]))
        oracle = max(accuracy[code] for code in within)
        for strategy in options.strategies:
            settings = ZeroShotSettings(tuple(options.names), options.aggregate, strategy, options.evaluations)
            found = []
            for seed in range(options.seeds):
                result = zero_shot(SPACE, Budget(latency_ms=limit), lambda arch: _scores(scores, arch, options.names),
                                   [cost], settings, seed)
                found.append(result.architecture)
            reached = np.array([accuracy[SPACE.format(a)] for a in found])
            error = 2.262 * (reached - rule).std(ddof=1) / np.sqrt(len(reached))  # Student's t for ten seeds
            kept = sum(column[SPACE.format(a)] <= limit for a in found)
            print(f"| {device} p{percent}, {limit:.3f} ms | {strategy} | {reached.mean():.2f} ({reached.std():.2f}) | "
                  f"{rule:.2f} | {(reached - rule).mean():+.2f} ({(reached - rule).mean() - error:+.2f} to "
                  f"{(reached - rule).mean() + error:+.2f}) | {oracle:.2f} | {kept} of {len(found)} |", flush=True)


def _scores(scores: dict[str, dict[str, str]], arch: object, names: list[str]) -> dict[str, float]:
    row = scores[SPACE.format(arch)]  # type: ignore[arg-type]
    return {name: published(row, name) for name in names}


def published(row: dict[str, str], name: str) -> float:
    """Return a score of the table, NaN where it could not be computed (written as -1e8 or less there)."""
    return np.nan if float(row[name]) <= -1e8 else float(row[name])


if __name__ == "__main__":
    main(sys.argv[1:])
