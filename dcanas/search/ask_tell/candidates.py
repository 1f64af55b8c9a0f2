"""The candidates of a study: members within the budget that have not been proposed yet."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.random import Generator

from dcanas.basics.errors import UserError
from dcanas.costs import CostModel
from dcanas.costs.members import as_architecture, as_choices
from dcanas.search.ask_tell.history import History
from dcanas.search.ask_tell.one_hot import Features
from dcanas.search.ask_tell.proxy_sources import ProxySource
from dcanas.search.ask_tell.study_settings import SamplerSettings
from dcanas.search.ask_tell.surrogate import log_probability_within
from dcanas.search.feasible import FeasibleMembers
from dcanas.search.proposers.new_members import Identity, NewMembers
from dcanas.spaces import Architecture, Space

JOINED = "proxybo"  # the sampler that scores every candidate by proxies
QUANTILE = 1.645  # a cost's relative error bounds 95 % of normal errors


@dataclass(frozen=True)
class Pool:
    """Candidates with all that is known of them before a trial.

    Attributes:
        choices: option indices. Shape: (n, slots).
        features: for the surrogate. Shape: (n, features).
        scores: of the proxies, larger is better; no rows if the sampler does not use them. Shape: (proxies, n).
        log_feasible: logarithm of the probability of being within every limit. Shape: (n,).
    """

    choices: np.ndarray
    features: np.ndarray
    scores: np.ndarray
    log_feasible: np.ndarray


class Candidates:
    """The members of a space that a study may still propose.

    Args:
        members: within every limit that is known exactly.
        settings: of the study.
        sources: the proxies.
        identity: equal for architectures that have the same value, so that one trial is enough.
        predicted: costs that are known up to an error, and their limits.

    Raises:
        UserError: the limits leave fewer members than the first random trials.
    """

    def __init__(self, members: FeasibleMembers, settings: SamplerSettings, sources: Sequence[ProxySource],
                 identity: Identity, predicted: Sequence[tuple[CostModel, float]] = ()):
        self.members, self.settings, self.sources, self.identity = members, settings, list(sources), identity
        self.predicted = predicted
        self.space: Space = members.space
        self.features = Features(self.space)
        count = members.count()
        if count is not None and count < settings.first_drawn:
            raise UserError(f"The budget leaves {count} members, fewer than the search.initial={settings.initial} that "
                            "are drawn first; loosen the limits or set search.initial lower.")

    @cached_property
    def listed(self) -> Pool | None:
        """All members, if the space can be listed and all proxies are instant."""
        if self.members.count() is None or not all(source.instant for source in self.sources):
            return None
        return self._pool(self.members.listed())

    @cached_property
    def identities(self) -> list[Hashable] | None:
        """The identity of every row of `listed`."""
        if self.listed is None:
            return None
        return [self.identity(as_architecture(self.space, row)) for row in self.listed.choices]

    def new(self, history: History) -> NewMembers:
        """Return the members that have not been proposed."""
        return NewMembers(self.members, history.proposed(), self.identity, self.identities)

    def pool(self, history: History, rng: Generator) -> Pool:
        """Return all new candidates if they can be listed, else random ones and neighbours of the best.

        Raises `ExhaustedError` if nothing is left.
        """
        new = self.new(history)
        if self.listed is not None:
            rows, whole = new.rows, self.listed
            return Pool(whole.choices[rows], whole.features[rows], whole.scores[:, rows], whole.log_feasible[rows])
        near = [arch for trial in history.best(self.settings.incumbents)
                for arch in self.space.neighbours(trial.architecture) if self.members.allows(arch)]
        drawn = [self.members.sample(rng) for _ in range(self.settings.drawn)]
        found: dict[Hashable, Architecture] = {}
        for arch in near + drawn:
            if new.is_new(arch):
                found.setdefault(self.identity(arch), arch)
        return self._pool(as_choices(list(found.values()) or [new.sample(rng)]))

    def scores(self, choices: np.ndarray) -> np.ndarray:
        """Return the proxies' values. Shape: (n, slots) -> (proxies, n)."""
        found = np.array([source.values(choices) for source in self.sources], dtype=float)
        return found.reshape(len(self.sources), len(choices))

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
