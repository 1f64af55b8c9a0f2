"""Which form the prior of NAS-Bench-201 should have: chosen on some data sets and devices, judged on others.

    python -m tools choose_prior

Every set of features, every form of the accuracies that is fitted and every ridge judges CIFAR-10 from CIFAR-100's
table and the other way round, never a member from its equals, within 72 limits (six devices, percentiles 15 to 80
without 25 and 50); the first by the mean of both is what dcanas has. Leaving one device out, and choosing for a data
set on the other alone, tell what such a choice is worth elsewhere. Limits that results are reported for are percentiles
10, 25 and 50.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import cache

import numpy as np
from scipy.stats import rankdata

from dcanas.benchmarks.judged_data import PUBLISHED, JudgedData, judged_data
from dcanas.benchmarks.prior_folds import crossfitted
from dcanas.benchmarks.table_problem import make_problem
from dcanas.costs.members import member_choices
from dcanas.proxies.prior import feature_parts, log_odds
from dcanas.spaces import load_space
from tools.choose_votes import CHOSEN_ON, DEVICES, REPORTED
from tools.markdown import print_table


def standardised(values: np.ndarray) -> np.ndarray:
    """Return values less their mean, over their deviation. Shape: (n,) -> (n,)."""
    return np.asarray((values - values.mean()) / values.std())


PARTS = (("edges", "pairs", "paths", "numbers"), ("edges", "paths", "numbers"), ("edges", "pairs", "numbers"),
         ("edges", "pairs", "paths"))
FORMS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "log odds of ranks": log_odds, "ranks": lambda values: standardised(rankdata(values)),
    "accuracies": standardised}
RIDGES = (3.0, 10.0, 30.0, 100.0)


@cache
def within(data: JudgedData, device: str, percent: int) -> np.ndarray:
    """Return the members within a limit. Shape: (n,)."""
    return np.flatnonzero(make_problem(f"{device}.latency_ms:p{percent}", data).feasible)


def regrets(data: JudgedData, judge: np.ndarray, percents: tuple[int, ...]) -> np.ndarray:
    """Return what a judge's choice loses to the best within each limit. Shape: (members,) -> (devices, percents)."""
    found = np.zeros((len(DEVICES), len(percents)))
    for (i, device), (j, percent) in itertools.product(enumerate(DEVICES), enumerate(percents)):
        among = within(data, device, percent)
        found[i, j] = data.test[among].max() - data.test[among[judge[among] == judge[among].max()]].mean()
    return found


def main(*, divisions: int = 3) -> None:
    """Choose among all forms and print the best.

    Args:
        divisions: of the members into five folds, over which regrets are averaged
    """
    parts = feature_parts(member_choices(load_space("nasbench201")))
    sets = [judged_data(name) for name in PUBLISHED]
    asked = list(itertools.product(PARTS, FORMS, RIDGES))
    chosen, reported = (np.zeros((len(asked), len(sets), len(DEVICES), len(percents)))
                        for percents in (CHOSEN_ON, REPORTED))
    for k, (names, form, ridge) in enumerate(asked):
        known = np.hstack([parts[name] for name in names])
        for s, data in enumerate(sets):
            for seed in range(divisions):
                judge = crossfitted(data.priors, seed, ridge, known, FORMS[form])
                chosen[k, s] += regrets(data, judge, CHOSEN_ON) / divisions
                reported[k, s] += regrets(data, judge, REPORTED) / divisions
    order = np.argsort(chosen.mean((1, 2, 3)))
    print(f"{len(asked)} priors, {chosen[0, 0].size} limits on each of {len(sets)} data sets; regret in test accuracy")
    print()
    print_table(["place", "features", "fitted", "ridge", "mean", *(data.name for data in sets),
                 *(f"{data.name}, reported" for data in sets)],
                [[place, ", ".join(asked[k][0]), asked[k][1], f"{asked[k][2]:g}", f"{chosen[k].mean():.3f}",
                  *(f"{chosen[k, s].mean():.3f}" for s in range(len(sets))),
                  *(f"{reported[k, s].mean():.3f}" for s in range(len(sets)))]
                 for place, k in enumerate(order, 1) if place <= 5 or place == len(order)])
    print()
    without = [(device, int(np.argmin(np.delete(chosen, i, axis=2).mean((1, 2, 3)))))
               for i, device in enumerate(DEVICES)]
    print_table(["device left out of the choice", "features", "fitted", "ridge", "regret there, all percentiles"],
                [[device, ", ".join(asked[k][0]), asked[k][1], f"{asked[k][2]:g}",
                  f"{np.concatenate([chosen[k, :, i], reported[k, :, i]], axis=1).mean():.3f}"]
                 for i, (device, k) in enumerate(without)])
    print()
    apart = [(data.name, int(np.argmin(np.delete(chosen, s, axis=1).mean((1, 2, 3))))) for s, data in enumerate(sets)]
    print_table(["data set left out of the choice", "features", "fitted", "ridge", "regret there, reported limits"],
                [[name, ", ".join(asked[k][0]), asked[k][1], f"{asked[k][2]:g}", f"{reported[k, s].mean():.3f}"]
                 for s, (name, k) in enumerate(apart)])
