"""Studies simulated on a published table: no storage, no training, and a clock that runs as if there were."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Any

import numpy as np

from dcanas.basics.keys import derive_seed
from dcanas.search.ask_tell.candidates import Candidates
from dcanas.search.ask_tell.history import History, Observation
from dcanas.search.ask_tell.sampler_registry import samplers
from dcanas.spaces import Architecture


@dataclass
class Trace:
    """A simulated study, by order of proposals.

    Attributes:
        values: of the architectures, larger is better.
        why: each was proposed, as JSON types.
        seconds: on the simulated clock, at which each value is known.
    """

    architectures: list[Architecture] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    why: list[dict[str, Any]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    @property
    def best(self) -> np.ndarray:
        """The best value after each evaluation. Shape: (evaluations,)."""
        return np.maximum.accumulate(self.values)


def simulate(candidates: Candidates, evaluate: Callable[[Architecture], float], seed: int,
             duration: Callable[[Architecture], float] = lambda arch: 1.0, workers: int = 1) -> Trace:
    """Return the trace of one study.

    The first random trials depend on the seed alone, so that samplers are compared in pairs.

    Args:
        evaluate: returns the table's value, larger is better.
        duration: returns the seconds that a training takes; proposals take none.
        workers: trainings at the same time; each proposal knows what is pending but not its value.
    """
    settings = candidates.settings
    sampler = samplers[settings.sampler](candidates)
    trace = Trace()
    observed: dict[int, Observation] = {}
    running: list[tuple[float, int]] = []  # a heap: when it ends, its position
    clock = 0.0
    for position in range(settings.evaluations):
        if len(running) == workers:
            clock, ended = heappop(running)
            observed[ended] = Observation(trace.architectures[ended], trace.values[ended])
        rng = np.random.default_rng(derive_seed(seed, "proposal", position))
        known = History([observed[p] for p in sorted(observed)], [trace.architectures[p] for _, p in sorted(running)])
        proposal = sampler.propose(known, rng)
        trace.architectures.append(proposal.architecture)
        trace.values.append(evaluate(proposal.architecture))
        trace.why.append(proposal.why)
        trace.seconds.append(clock + duration(proposal.architecture))
        heappush(running, (trace.seconds[-1], position))
    return trace
