"""Times proposals: 100 asks of ProxyBO with 13 proxies, and one ask after 50 to 1,000 observations.

    python -m tools bench_sampling

NAS-Bench-201's 9,444 members, random numbers as accuracies and proxies: what is asked for costs the same. One thread;
seconds of the process's own time, so that a busy machine changes little. Reading the space's list is not counted.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from dcanas.costs import Budget
from dcanas.search.ask_tell.candidates import Candidates
from dcanas.search.ask_tell.history import History, Observation
from dcanas.search.ask_tell.proxy_sources import select_sources
from dcanas.search.ask_tell.sampler_registry import samplers
from dcanas.search.ask_tell.study_settings import SamplerSettings
from dcanas.search.feasible import FeasibleMembers
from dcanas.spaces import Architecture, load_space
from tools.markdown import print_table

PROXIES = tuple(f"noise:{i}" for i in range(13))


def main() -> None:
    """Print the times."""
    space, rng = load_space("nasbench201"), np.random.default_rng(0)
    candidates = Candidates(FeasibleMembers(space, Budget(), []), SamplerSettings("proxybo", PROXIES, 1100),
                            select_sources(PROXIES, {}, 0), lambda arch: arch)
    _ = candidates.identities
    observed = [Observation(Architecture(space.name, tuple(row)), float(rng.normal()))
                for row in rng.permutation(candidates.members.listed())[:1000].tolist()]

    def seconds(counts: Sequence[int]) -> float:
        """Return the time of asks after so many observations, by a sampler that was asked nothing before."""
        sampler, start = samplers["proxybo"](candidates), time.process_time()
        for count in counts:
            sampler.propose(History(tuple(observed[:count])), np.random.default_rng(count))
        return time.process_time() - start

    print(f"100 asks with 13 proxies from 10 observations on: {seconds(range(10, 110)):.1f} s")
    taken = {count: np.median([seconds([count]) for _ in range(3)]) for count in (50, 100, 200, 500, 1000)}
    print_table(["observations", "seconds per ask, median of 3", "per observation, ms"], [
        [count, f"{median:.3f}", f"{1e3 * median / count:.2f}"] for count, median in taken.items()])
