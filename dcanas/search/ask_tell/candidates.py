"""What may be proposed next: members within the budget that nobody has proposed yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.random import Generator
from scipy.stats import rankdata

from dcanas.basics.errors import UserError
from dcanas.costs import CostModel
from dcanas.search.ask_tell.history import History, Identity
from dcanas.search.ask_tell.one_hot import Features
from dcanas.search.ask_tell.proxy_sources import ProxySource
from dcanas.search.ask_tell.study_settings import SamplerSettings
from dcanas.search.ask_tell.surrogate import log_probability_within
from dcanas.search.feasible import FeasibleMembers
from dcanas.spaces import Architecture, Space

DRAWS = 200  # of a member that is new, before the space counts as exhausted
JOINED = "proxybo"  # the one sampler that asks proxies about every candidate
QUANTILE = 1.645  # a cost's relative error bounds 95 % of normal errors


class ExhaustedError(UserError):
    """Nothing is left to propose."""


@dataclass(frozen=True)
class Pool:
    """Candidates with what is known of them without a trial.

    choices: (n, slots); features: (n, features); scores: (proxies, n), larger is better (no rows where the sampler does
    not use them);
    log_feasible: (n,) log probability of being within every limit.
    """

    choices: np.ndarray
    features: np.ndarray
    scores: np.ndarray
    log_feasible: np.ndarray


class Candidates:
    """The members of a space that a study may still propose.

    members: within every exact limit. predicted: costs that are known with an error only, and their limits.
    identity: equal for two architectures of which one trial tells everything.
    """

    def __init__(self, members: FeasibleMembers, settings: SamplerSettings, sources: Sequence[ProxySource],
                 identity: Identity, predicted: Sequence[tuple[CostModel, float]] = ()):
        self.members, self.settings, self.sources, self.identity = members, settings, list(sources), identity
        self.predicted = predicted
        self.space: Space = members.space
        self.features = Features(self.space)
        count = members.count()
        if count is not None and count < settings.initial:
            raise UserError(f"The budget leaves {count} members, fewer than the search.initial={settings.initial} that "
                            "are drawn first; loosen the limits or set search.initial lower.")

    @cached_property
    def listed(self) -> Pool | None:
        """Every candidate there is, where the space can be listed and asking all proxies about all costs nothing."""
        if self.members.count() is None or not all(source.instant for source in self.sources):
            return None
        return self._pool(self.members.listed())

    @cached_property
    def identities(self) -> dict[object, list[int]]:
        """Rows of `listed` by identity."""
        found: dict[object, list[int]] = {}
        assert self.listed is not None
        for i, row in enumerate(self.listed.choices.tolist()):
            found.setdefault(self.identity(Architecture(self.space.name, tuple(row))), []).append(i)
        return found

    def unseen(self, history: History) -> np.ndarray:
        """Return which rows of `listed` are new: nobody proposed them or the same under another code."""
        assert self.listed is not None
        new = np.ones(len(self.listed.choices), dtype=bool)
        for arch in history.proposed():
            new[self.identities.get(self.identity(arch), [])] = False
        return new

    def is_new(self, arch: Architecture, history: History) -> bool:
        return self.identity(arch) not in {self.identity(other) for other in history.proposed()}

    def pool(self, history: History, rng: Generator) -> Pool:
        """Return all new candidates where they are listed, else random ones and neighbours of the best.

        Raises `UserError` where nothing is left.
        """
        if self.listed is not None:
            new = self.unseen(history)
            if not new.any():
                raise exhausted(len(history))
            whole = self.listed
            return Pool(whole.choices[new], whole.features[new], whole.scores[:, new], whole.log_feasible[new])
        seen = {self.identity(arch) for arch in history.proposed()}
        found: dict[object, Architecture] = {}
        near = [arch for o in history.best(self.settings.incumbents) for arch in self.space.neighbours(o.architecture)
                if self.members.allows(arch)]
        for arch in near + [self.members.sample(rng) for _ in range(self.settings.drawn)]:
            same = self.identity(arch)
            if same not in seen:
                found.setdefault(same, arch)
        if not found:
            return self._pool(np.array([self.sample(history, rng).choices]))
        return self._pool(np.array([arch.choices for arch in found.values()], dtype=np.int64))

    def sample(self, history: History, rng: Generator) -> Architecture:
        """Return a random candidate that is new; raises `UserError` where none is left."""
        if self.listed is not None:
            rows = np.flatnonzero(self.unseen(history))
            if not len(rows):
                raise exhausted(len(history))
            return self.architecture(self.listed.choices[int(rng.choice(rows))])
        seen = {self.identity(arch) for arch in history.proposed()}
        for _ in range(DRAWS):
            arch = self.members.sample(rng)
            if self.identity(arch) not in seen:
                return arch
        raise exhausted(len(history))

    def scores(self, choices: np.ndarray) -> np.ndarray:
        """Return the proxies' values. Shape: (n, slots) -> (proxies, n)."""
        found = np.array([source.values(choices) for source in self.sources], dtype=float)
        return found.reshape(len(self.sources), len(choices))

    def mean_rank(self, choices: np.ndarray) -> np.ndarray:
        """Return the mean of the ranks that the proxies give, 1 the best. Shape: (n, slots) -> (n,)."""
        return ranks(self.scores(choices)).mean(0)

    def architecture(self, row: np.ndarray) -> Architecture:
        return Architecture(self.space.name, tuple(int(c) for c in row))

    def _pool(self, choices: np.ndarray) -> Pool:
        scores = self.scores(choices) if self.settings.sampler == JOINED else np.empty((0, len(choices)))
        return Pool(choices, self.features(choices), scores, self._log_feasible(choices))

    def _log_feasible(self, choices: np.ndarray) -> np.ndarray:
        """Sum over limits whose cost is predicted, as if independent; exact limits are kept by every candidate."""
        total = np.zeros(len(choices))
        for cost, limit in self.predicted:
            values = cost.values(choices)
            sign = -1.0 if cost.name.endswith("_min") else 1.0  # a lower limit
            spread = np.abs(cost.uppers(choices) - values) / QUANTILE
            total += log_probability_within(sign * values, sign * limit, spread)
        return total


def ranks(scores: np.ndarray) -> np.ndarray:
    """Return ranks from 1 (the largest) on, ties at their mean; what does not exist (NaN) is last.

    Shape: (m, n) -> (m, n).
    """
    return rankdata(-np.where(np.isnan(scores), -np.inf, scores), axis=-1)


def exhausted(count: int) -> ExhaustedError:
    return ExhaustedError(f"Every member within the budget has been proposed after {count} trials; nothing is left to "
                          "ask for: loosen the limits or set search.evaluations lower.")
