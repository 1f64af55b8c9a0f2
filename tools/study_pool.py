"""Who chooses within a limit: alphas, a vote on what alphas propose, on random members, on everybody. On tables.

    uv run python tools/study_proxies.py score --out meco.jsonl --group meco --networks 0
    uv run python tools/study_pool.py --own meco.jsonl --runs runs/one [runs/two ...]

NAS-Bench-201 in the folder DCANAS_TABLES names; runs: finished `dcanas search` of it, whose stored scores propose (one
supernet for all limits). A vote is the log-rank of --names: scores of --own where they are there, else published ones.
Who chooses: the most parameters, the runs' best total score, the vote on `make_pool`'s 100 candidates, on those and
random members up to --evaluations (what `search.rerank` does), on as many random members alone, on every feasible
member; the first --again of some of these by a second vote, of --second; and the best of the eight first by one
published training each (`cifar10_val`), which is what a final judge without error would choose. Regret is in test
accuracy to the best feasible member (in brackets: of the worst run), first over limits that nothing was chosen on but
the votes (percentiles 20, 30, 40, 60, 70 and 80, validation accuracy), then over the nine that are reported (test
accuracy) and two binding pairs; the interval is Student's over the nine limits.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from robustness_figures import bars
from scipy import stats
from voters import DEVICES, NONE, PAIRS, REPORTED, Voters, stored_scores

from dcanas.benchmarks.table_problem import Problem, make_problem, test_accuracies
from dcanas.proxies.votes import AGGREGATES
from dcanas.search.pool import total_scores
from dcanas.search.rerank import AGAIN

TUNED = tuple(f"{device}.latency_ms:p{percent}" for device in DEVICES for percent in (20, 30, 40, 60, 70, 80))
EIGHT = 8
BLUNT = ("synflow", "jacov", "nwot", "epe_nas", "flops")  # published scores that choose alone
Way = Callable[[Problem, list[np.ndarray], int], np.ndarray]  # (problem, stored scores, seed) -> members, best first


def paired(difference: np.ndarray) -> str:
    """Return the mean difference over limits and Student's 95 % interval as text. Shape: (limits,)."""
    half = stats.t.ppf(0.975, len(difference) - 1) * difference.std(ddof=1) / np.sqrt(len(difference))
    middle = difference.mean()
    return f"{middle:+.2f} ({middle - half:+.2f} to {middle + half:+.2f})"


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--own", type=Path)
    parser.add_argument("--runs", type=Path, nargs="+", required=True)
    parser.add_argument("--names", nargs="+", default=["jacov", "synflow", "meco"])
    parser.add_argument("--second", nargs="+", default=["zen", "meco"])
    parser.add_argument("--again", type=int, default=AGAIN, help="the vote's first so many, voted on again by --second")
    parser.add_argument("--evaluations", type=int, nargs="+", default=[200, 400])
    parser.add_argument("--figure", type=Path, help="SVG file: regret by limit of some who choose")
    options = parser.parse_args(arguments)
    runs = [stored_scores(run) for run in options.runs]
    voters = Voters(options.own, options.names, options.second)
    test, validation = test_accuracies(), voters.validation
    ordered, proposed, drawn = voters.ordered, voters.proposed, voters.drawn

    def best_total(problem: Problem, run: list[np.ndarray]) -> np.ndarray:
        among = np.flatnonzero(problem.feasible)
        return voters.distinct(among, total_scores(run, problem.choices[among]))

    def of_pool(count: int) -> Way:
        return lambda p, run, seed: voters.reranked(p, run, seed, count)

    def of_random(count: int) -> Way:
        return lambda p, run, seed: ordered(drawn(p, count, seed))

    def twice(way: Way) -> Way:
        return lambda p, run, seed: voters.again(way(p, run, seed), options.again)

    ways: dict[str, Way] = {
        "most parameters": lambda p, run, seed: ordered(np.flatnonzero(p.feasible), "params"),
        "alphas": lambda p, run, seed: best_total(p, run),
        "vote on the 100 that alphas propose": lambda p, run, seed: ordered(proposed(p, run, seed))}
    for count in options.evaluations:
        found = {f"vote on those and random ones, {count} in all": of_pool(count),
                 f"vote on {count} random ones": of_random(count)}
        ways |= found | {f"{name}, and on the first {options.again} again": twice(way) for name, way in found.items()}
    ways["vote on all feasible ones"] = lambda p, run, seed: ordered(np.flatnonzero(p.feasible))
    print(" ".join(["python tools/study_pool.py", *arguments]))
    print(f"\n{len(runs)} runs; mean regret (largest over runs)\n\n| who chooses | p20 to p80, validation | the nine, "
          "test | the nine, to the most parameters (95 %) | two pairs, test | the nine: best of the first eight by a "
          "training each |\n|---|---|---|---|---|---|")
    rule: np.ndarray | None = None
    for name, way in ways.items():
        cells: list[str] = []
        for limits, truth, after in ((TUNED, validation, False), (REPORTED, test, False), (PAIRS, test, False),
                                     (REPORTED, test, True)):
            regrets = np.empty((len(limits), len(runs)))
            for i, text in enumerate(limits):
                problem = make_problem(text)
                for seed, run in enumerate(runs):
                    order = way(problem, run, seed)
                    assert problem.feasible[order].all()
                    chosen = max(order[:EIGHT], key=lambda m: validation[m]) if after else order[0]
                    regrets[i, seed] = truth[problem.feasible].max() - truth[chosen]
            cells.append(f"{regrets.mean():.2f} ({regrets.mean(0).max():.2f})")
            if limits is REPORTED and not after:
                rule = regrets.mean(1) if rule is None else rule  # of the first way
                to_rule = paired(regrets.mean(1) - rule)
        cells.insert(2, to_rule)
        print(f"| {name} | {' | '.join(cells)} |", flush=True)
    default = f"vote on those and random ones, {options.evaluations[0]} in all, and on the first {options.again} again"
    print(f"\nTest accuracy by limit, mean over the runs: {default}\n\n| limit | best feasible | most parameters | "
          "chosen | best of the first eight by a training each |\n|---|---|---|---|---|")
    for text in (*REPORTED, *PAIRS, NONE):
        problem = make_problem(text)
        orders = [ways[default](problem, run, seed) for seed, run in enumerate(runs)]
        largest = ways["most parameters"](problem, runs[0], 0)[0]
        chosen = np.mean([test[order[0]] for order in orders])
        eight = np.mean([test[max(order[:EIGHT], key=lambda m: validation[m])] for order in orders])
        print(f"| {text if text != NONE else 'no limit'} | {test[problem.feasible].max():.2f} | {test[largest]:.2f} | "
              f"{chosen:.2f} | {eight:.2f} |")
    problems = [make_problem(text) for text in REPORTED]
    best = np.array([test[problem.feasible].max() for problem in problems])
    own = best - [np.mean([test[ways[default](p, run, seed)[0]] for seed, run in enumerate(runs)]) for p in problems]
    print(f"\nMean regret over the nine limits beside {own.mean():.2f} of that (Student's 95 % over limits)\n\n"
          "| who chooses | mean regret | the other less this |\n|---|---|---|")
    published = problems[0].scores
    blunt = {"most parameters": published["params"], **{f"best {name}": published[name] for name in BLUNT},
             "rank sum of synflow and jacov": None, "best by one published training each": validation}
    for name, values in blunt.items():
        regret = np.empty(len(problems))
        for i, problem in enumerate(problems):
            among = np.flatnonzero(problem.feasible)
            liked = (values[among] if values is not None else
                     AGGREGATES["borda"](np.array([published["synflow"][among], published["jacov"][among]])))
            regret[i] = best[i] - test[voters.distinct(among, liked)[0]]
        print(f"| {name} | {regret.mean():.2f} | {paired(own - regret)} |")
    if options.figure:
        shown = {"largest": "most parameters", "alphas": "alphas", "vote": default.split(", and")[0], "twice": default}
        by_limit: dict[str, dict[str, float]] = {label: {} for label in shown}
        for text in (*REPORTED, NONE):
            problem = make_problem(text)
            name = "no limit" if text == NONE else text.replace(".latency_ms:", " ")
            for label, way in shown.items():
                taken = [test[ways[way](problem, run, seed)[0]] for seed, run in enumerate(runs)]
                by_limit[label][name] = float(test[problem.feasible].max() - np.mean(taken))
        options.figure.write_text(bars(by_limit, "Points of test accuracy below the best within the limit"),
                                  encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
