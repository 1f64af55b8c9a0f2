"""A search on a published table: no storage, no training, and a clock that runs as if there had been."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dcanas.basics.keys import derive_seed
from dcanas.search.study.candidates import Candidates
from dcanas.search.study.history import History, Observation
from dcanas.search.study.samplers import samplers
from dcanas.spaces import Architecture


@dataclass
class Trace:
    """What was asked, in order, what it was worth, why it was asked, and the simulated seconds until it was known."""

    architectures: list[Architecture] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    why: list[dict[str, Any]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    @property
    def best(self) -> np.ndarray:
        """Return the best value after each evaluation."""
        return np.maximum.accumulate(self.values)


def simulate(candidates: Candidates, evaluate: Callable[[Architecture], float], seed: int,
             duration: Callable[[Architecture], float] = lambda arch: 0.0) -> Trace:
    """Return the trace of one study by one worker.

    evaluate: the table's value, larger is better. duration: the seconds its training is taken to last; proposing is
    free on this clock. The first random trials depend on the seed alone, so that samplers are compared in pairs.
    """
    settings = candidates.settings
    sampler = samplers[settings.sampler](candidates)
    trace = Trace()
    observed: list[Observation] = []
    for position in range(settings.evaluations):
        rng = np.random.default_rng(derive_seed(seed, "proposal", position))
        proposal = sampler.propose(History(tuple(observed)), rng)
        value = evaluate(proposal.architecture)
        observed.append(Observation(proposal.architecture, value))
        trace.architectures.append(proposal.architecture)
        trace.values.append(value)
        trace.why.append(proposal.why)
        trace.seconds.append((trace.seconds[-1] if trace.seconds else 0.0) + duration(proposal.architecture))
    return trace
