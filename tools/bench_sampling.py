"""Times proposals: 100 asks of ProxyBO with 13 proxies, and one ask after 50 to 1,000 observations.

    python -m tools bench_sampling

NAS-Bench-201's 9,444 members, random numbers as accuracies and proxies: what is asked for costs the same. One thread;
seconds of the process's own time, so that a busy machine changes little. Reading the space's list is not counted.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import numpy as np

from dcanas.costs import Budget
from dcanas.search.ask_tell.candidates import Candidates
from dcanas.search.ask_tell.history import History, Observation
from dcanas.search.ask_tell.proxy_sources import select_sources
from dcanas.search.ask_tell.samplers import samplers
from dcanas.search.ask_tell.study_settings import SamplerSettings
from dcanas.search.feasible import FeasibleMembers
from dcanas.spaces import Architecture, load_space
from tools.markdown import print_table

PROXIES = tuple(f"noise:{i}" for i in range(13))


def main() -> None:
    """Print the times."""
    space = load_space("nasbench201")
    settings = SamplerSettings("proxybo", PROXIES, 1100)
    made = Candidates(FeasibleMembers(space, Budget(), []), settings, select_sources(PROXIES, {}, 0), lambda arch: arch)
    _, rng = made.identities, np.random.default_rng(0)
    rows = rng.permutation(made.listed.choices)[:1000]  # type: ignore[union-attr]
    observed = [Observation(Architecture(space.name, tuple(row)), float(rng.normal())) for row in rows.tolist()]
    sampler, seen, spent = samplers["proxybo"](made), observed[:10], 0.0

    def asked(known: Sequence[Observation], seed: int) -> Architecture:
        nonlocal spent
        begun = time.process_time()
        proposal = sampler.propose(History(tuple(known)), np.random.default_rng(seed))
        spent = time.process_time() - begun
        return proposal.architecture

    total = 0.0
    for position in range(100):
        seen.append(Observation(asked(seen, position), float(rng.normal())))
        total += spent
    print(f"100 asks with 13 proxies from 10 observations on: {total:.1f} s")

    def times() -> Iterator[list[str]]:
        nonlocal sampler
        for count in (50, 100, 200, 500, 1000):
            taken = []
            for repeat in range(3):
                sampler = samplers["proxybo"](made)  # so that the cross-validation is made anew
                asked(observed[:count], repeat)
                taken.append(spent)
            yield [str(count), f"{np.median(taken):.3f}", f"{1e3 * np.median(taken) / count:.2f}"]

    print_table(["observations", "seconds per ask, median of 3", "per observation, ms"], times())
