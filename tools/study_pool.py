"""Who chooses within a limit: alphas, a vote on what alphas propose, on random members, on everybody. On tables.

    python -m tools score_proxies meco.jsonl group=meco networks=0
    python -m tools study_pool own=meco.jsonl runs=runs/one,runs/two

NAS-Bench-201; runs: finished `dcanas search` of it, whose stored scores propose (one supernet for all limits). A vote
is the log-rank of `names`: scores of `own` where they are there, else published ones. Who chooses: the most parameters,
the runs' best total score, the vote on `make_pool`'s 100 candidates, on those and random members up to `evaluations`
(what `search.rerank` does), on as many random members alone, on every feasible member; the first `again` of some of
these by a second vote, of `second`; and the best of the eight first by one published training each (`cifar10_val`),
which is what a final judge without error would choose. Regret is in test accuracy to the best feasible member (in
brackets: of the worst run), first over limits that nothing was chosen on but the votes (percentiles 20, 30, 40, 60, 70
and 80, validation accuracy), then over the nine that are reported (test accuracy) and two binding pairs; the interval
is Student's over the nine limits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from dcanas.benchmarks.table_problem import Problem, make_problem, test_accuracies
from dcanas.proxies.votes import AGGREGATES
from dcanas.search.pool import total_scores
from dcanas.search.rerank import AGAIN
from tools.figures import bars, save
from tools.intervals import student
from tools.markdown import print_table
from tools.tables import NO_LIMIT, REPORTED, limit_name
from tools.voters import PAIRS, SECOND, VOTE, Voters, stored_scores

TUNED = tuple(f"{device}.latency_ms:p{percent}" for device in ("edgegpu", "raspi4", "eyeriss")
              for percent in (20, 30, 40, 60, 70, 80))
EIGHT = 8
BLUNT = ("synflow", "jacov", "nwot", "epe_nas", "flops")  # published scores that choose alone
Run = list[np.ndarray]  # stored scores
Way = Callable[[Problem, Run, int], np.ndarray]  # (problem, run, seed) -> members, best first


def ways_of(voters: Voters, evaluations: Sequence[int], again: int) -> dict[str, Way]:
    """Return who chooses, the most parameters first."""
    def best_total(problem: Problem, run: Run, seed: int) -> np.ndarray:
        among = np.flatnonzero(problem.feasible)
        return voters.distinct(among, total_scores(run, problem.choices[among]))

    def all_by(by: str) -> Way:
        return lambda problem, run, seed: voters.ordered(np.flatnonzero(problem.feasible), by)

    ways: dict[str, Way] = {"most parameters": all_by("params"), "alphas": best_total,
                            "vote on the 100 that alphas propose": lambda p, run, seed: voters.ordered(
                                voters.proposed(p, run, seed))}
    for count in evaluations:
        found: dict[str, Way] = {
            f"vote on those and random ones, {count} in all":
                lambda p, run, seed, count=count: voters.reranked(p, run, seed, count),
            f"vote on {count} random ones":
                lambda p, run, seed, count=count: voters.ordered(voters.drawn(p, count, seed))}
        ways |= found | {f"{name}, and on the first {again} again":
                         lambda p, run, seed, way=way: voters.again(way(p, run, seed), again)
                         for name, way in found.items()}
    return ways | {"vote on all feasible ones": all_by("vote")}


def main(*, runs: tuple[Path, ...], own: Path | None = None, names: tuple[str, ...] = VOTE,
         second: tuple[str, ...] = SECOND, again: int = AGAIN, evaluations: tuple[int, ...] = (200, 400),
         figure: Path | None = None) -> None:
    """Print the tables.

    Args:
        runs: folders of finished searches
        own: file of scores of all classes of equal networks
        names: scores that vote
        again: the first so many are voted on again, by `second`
        evaluations: members that vote, in all
        figure: SVG file of the regret by limit of some who choose
    """
    stored = [stored_scores(run) for run in runs]
    voters = Voters(own, names, second)
    ways, test, validation = ways_of(voters, evaluations, again), test_accuracies(), voters.validation

    def trained(order: np.ndarray) -> int:
        return max(order[:EIGHT], key=lambda member: validation[member])

    def taken(way: str, limit: str, truth: np.ndarray, pick: Callable[[np.ndarray], int] = lambda order: order[0],
              ) -> np.ndarray:
        """Return what each run loses to the best feasible member, in points of `truth`. Shape: (runs,)."""
        problem = make_problem(limit)
        return truth[problem.feasible].max() - truth[[pick(ways[way](problem, run, seed))
                                                      for seed, run in enumerate(stored)]]

    def rows() -> Iterator[list[str]]:
        rule: np.ndarray | None = None  # regret by limit of the first way
        for way in ways:
            tuned, nine, pairs, eight = (np.array([taken(way, limit, truth, *pick) for limit in limits])
                                         for limits, truth, *pick in ((TUNED, validation), (REPORTED, test),
                                                                      (PAIRS, test), (REPORTED, test, trained)))
            rule = nine.mean(1) if rule is None else rule
            cells = [f"{regret.mean():.2f} ({regret.mean(0).max():.2f})" for regret in (tuned, nine, pairs, eight)]
            yield [way, *cells[:2], student(nine.mean(1) - rule), *cells[2:]]

    print(f"{len(runs)} runs; mean regret (largest over runs)")
    print_table(["who chooses", "p20 to p80, validation", "the nine, test", "the nine, to the most parameters (95 %)",
                 "two pairs, test", "the nine: best of the first eight by a training each"], rows())
    default = f"vote on those and random ones, {evaluations[0]} in all, and on the first {again} again"
    best = {limit: test[make_problem(limit).feasible].max() for limit in (*REPORTED, *PAIRS, NO_LIMIT)}
    print(f"\nTest accuracy by limit, mean over the runs: {default}")
    print_table(["limit", "best feasible", "most parameters", "chosen",
                 "best of the first eight by a training each"], (
        [limit_name(limit), *(f"{value:.2f}" for value in (
            most, most - taken("most parameters", limit, test)[0], most - taken(default, limit, test).mean(),
            most - taken(default, limit, test, trained).mean()))] for limit, most in best.items()))
    chosen = np.array([taken(default, limit, test).mean() for limit in REPORTED])
    print(f"\nMean regret over the nine limits beside {chosen.mean():.2f} of that (Student's 95 % over limits)")
    print_table(["who chooses", "mean regret", "the other less this"], blunt_rows(voters, chosen))
    if figure:
        shown = {"largest": "most parameters", "alphas": "alphas", "vote": default.split(", and")[0], "twice": default}
        save(bars({label: {limit_name(limit).replace(".latency_ms:", " "): taken(way, limit, test).mean()
                           for limit in (*REPORTED, NO_LIMIT)} for label, way in shown.items()},
                  "Points of test accuracy below the best within the limit"), figure)


def blunt_rows(voters: Voters, chosen: np.ndarray) -> Iterator[list[str]]:
    """Yield what rules without a search lose over the nine limits, beside the regret `chosen` by limit."""
    problems, test = [make_problem(limit) for limit in REPORTED], test_accuracies()
    published = problems[0].scores
    blunt = {"most parameters": published["params"], **{f"best {name}": published[name] for name in BLUNT},
             "rank sum of synflow and jacov": np.array([published["synflow"], published["jacov"]]),
             "best by one published training each": voters.validation}
    for name, values in blunt.items():
        regret = []
        for problem in problems:
            among = np.flatnonzero(problem.feasible)
            liked = values[among] if values.ndim == 1 else AGGREGATES["borda"](values[:, among])
            regret.append(test[among].max() - test[voters.distinct(among, liked)[0]])
        yield [name, f"{np.mean(regret):.2f}", student(chosen - np.array(regret))]
