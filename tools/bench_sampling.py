"""Times proposals: 100 asks of ProxyBO with 13 proxies, and one ask after 50 to 1,000 observations.

    python tools/bench_sampling.py

NAS-Bench-201's 9,444 members, random numbers as accuracies and proxies: what is asked for costs the same. One thread;
seconds of the process's own time, so that a busy machine changes little. Reading the space's list is not counted.
"""

from __future__ import annotations

import sys
import time

import numpy as np

from dcanas.costs import Budget
from dcanas.search.ask_tell import all_samplers  # noqa: F401 (registers them)
from dcanas.search.ask_tell.candidates import Candidates
from dcanas.search.ask_tell.history import History, Observation
from dcanas.search.ask_tell.proxy_sources import select_sources
from dcanas.search.ask_tell.samplers import samplers
from dcanas.search.ask_tell.study_settings import SamplerSettings
from dcanas.search.feasible import FeasibleMembers
from dcanas.spaces import Architecture, load_space

PROXIES = tuple(f"noise:{i}" for i in range(13))


def main() -> None:
    space = load_space("nasbench201")
    settings = SamplerSettings("proxybo", PROXIES, 1100)
    made = Candidates(FeasibleMembers(space, Budget(), []), settings, select_sources(PROXIES, {}, 0), lambda arch: arch)
    rows = made.listed.choices  # type: ignore[union-attr]
    _ = made.identities
    rng = np.random.default_rng(0)
    order = rng.permutation(len(rows))
    observed = [Observation(Architecture(space.name, tuple(rows[i])), float(rng.normal())) for i in order[:1000]]

    sampler, begun, told = samplers["proxybo"](made), time.process_time(), observed[:10]
    for position in range(100):
        arch = sampler.propose(History(tuple(told)), np.random.default_rng(position)).architecture
        told.append(Observation(arch, float(rng.normal())))
    print(f"100 asks with 13 proxies from 10 observations on: {time.process_time() - begun:.1f} s\n")
    print("| observations | seconds per ask, median of 3 | per observation, ms |\n|---|---|---|")
    for count in (50, 100, 200, 500, 1000):
        taken = []
        for repeat in range(3):
            sampler = samplers["proxybo"](made)  # so that the cross-validation is made anew
            begun = time.process_time()
            sampler.propose(History(tuple(observed[:count])), np.random.default_rng(repeat))
            taken.append(time.process_time() - begun)
        print(f"| {count} | {np.median(taken):.3f} | {1e3 * np.median(taken) / count:.2f} |", flush=True)


if __name__ == "__main__":
    sys.exit(main())
