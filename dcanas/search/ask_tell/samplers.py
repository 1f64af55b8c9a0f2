"""Who proposes: every sampler is a function of what the study knows, so that any worker can go on where another was.

`random`, `evolution` and `local` are here; `reinforce`, `bo`, `proxybo` and `brp_nas` have files of their own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.random import Generator

from dcanas.basics.registry import Registry
from dcanas.search.ask_tell.candidates import Candidates
from dcanas.search.ask_tell.history import History
from dcanas.spaces import Architecture

TRIES = 60  # mutations that were proposed before, until a random candidate is taken


@dataclass(frozen=True)
class Proposal:
    """An architecture and what chose it, as JSON types."""

    architecture: Architecture
    why: dict[str, Any] = field(default_factory=dict)


class Sampler(Protocol):
    """Made once per process from what may be proposed; keeps nothing but what it can compute again."""

    def __init__(self, candidates: Candidates): ...

    def propose(self, history: History, rng: Generator) -> Proposal:
        """Return a new candidate; raises `UserError` where none is left."""


samplers: Registry = Registry("sampler")


def first_trials(candidates: Candidates, history: History, rng: Generator) -> Proposal:
    """Return a random candidate, or with `warm_up` the proxies' favourite among many random ones."""
    settings = candidates.settings
    if not settings.warm_up:
        return Proposal(candidates.sample(history, rng), {"chosen_by": "random"})
    if candidates.listed is not None:
        rows = candidates.listed.choices[np.flatnonzero(candidates.unseen(history))]
        drawn = rows[rng.choice(len(rows), min(settings.warm_up, len(rows)), replace=False)]
        if not len(drawn):
            return Proposal(candidates.sample(history, rng), {"chosen_by": "random"})
    else:
        drawn = np.array([candidates.sample(history, rng).choices for _ in range(settings.warm_up)])
    place = candidates.mean_rank(drawn)
    best = int(np.argmin(place))
    return Proposal(candidates.architecture(drawn[best]),
                    {"chosen_by": "warm-up", "among": len(drawn), "mean_rank": float(place[best])})


@samplers.add
class random:  # noqa: N801 (registered under its own name, as all of them)
    """Candidates drawn one by one."""

    def __init__(self, candidates: Candidates):
        self.candidates = candidates

    def propose(self, history: History, rng: Generator) -> Proposal:
        if len(history) < self.candidates.settings.initial:
            return first_trials(self.candidates, history, rng)
        return Proposal(self.candidates.sample(history, rng), {"chosen_by": "random"})


@samplers.add
class evolution:  # noqa: N801
    """Ageing evolution (Real et al., AAAI 2019): the winner of a tournament among the youngest is mutated."""

    def __init__(self, candidates: Candidates):
        self.candidates, self.settings = candidates, candidates.settings

    def propose(self, history: History, rng: Generator) -> Proposal:
        alive = [o for o in history.succeeded[-self.settings.population:] if o.feasible]
        if len(history) < self.settings.population or not alive:
            return first_trials(self.candidates, history, rng)
        drawn = rng.choice(len(alive), min(self.settings.tournament, len(alive)), replace=False)
        parent = max((alive[i] for i in drawn), key=lambda o: o.value or 0.0).architecture
        children: dict[Architecture, None] = {}
        for _ in range(TRIES):
            child = self.candidates.members.mutate(parent, rng)
            if self.candidates.is_new(child, history):
                children[child] = None
            if len(children) == self.settings.moves:
                break
        if not children:
            return Proposal(self.candidates.sample(history, rng), {"chosen_by": "random", "instead_of": "mutation"})
        child, why = preferred(self.candidates, list(children), rng)
        return Proposal(child, {"chosen_by": "mutation", "parent": self.candidates.space.format(parent), **why})


@samplers.add
class local:  # noqa: N801
    """Local search: a new neighbour of the best that has one left (White et al., UAI 2021)."""

    def __init__(self, candidates: Candidates):
        self.candidates, self.settings = candidates, candidates.settings

    def propose(self, history: History, rng: Generator) -> Proposal:
        if len(history) < self.settings.initial:
            return first_trials(self.candidates, history, rng)
        for seen in history.best(len(history)):
            near = [other for other in self.candidates.space.neighbours(seen.architecture)
                    if self.candidates.members.allows(other) and self.candidates.is_new(other, history)]
            if near:
                rng.shuffle(near)
                child, why = preferred(self.candidates, near[:max(1, self.settings.moves)], rng)
                return Proposal(child, {"chosen_by": "neighbour",
                                        "of": self.candidates.space.format(seen.architecture), **why})
        return Proposal(self.candidates.sample(history, rng), {"chosen_by": "random", "instead_of": "neighbour"})


def preferred(candidates: Candidates, archs: list[Architecture], rng: Generator) -> tuple[Architecture, dict[str, Any]]:
    """Return one of them: the proxies' favourite where `moves` asks them (Abdelfattah et al., ICLR 2021)."""
    if candidates.settings.moves == 1 or len(archs) == 1:
        return archs[0], {}
    place = candidates.mean_rank(np.array([arch.choices for arch in archs]))
    return archs[int(np.argmin(place))], {"among": len(archs), "mean_rank": float(place.min())}
