"""ProxyBO: Bayesian optimisation that measures how far to trust each proxy (Shen et al., arXiv 2110.10423).

Before every proposal each proxy and the surrogate get a reliability (the share of observed pairs they order rightly;
the surrogate by cross-validation), from it an influence (a softmax whose temperature falls with the observations), and
the candidates are ordered by the influence-weighted sum of the ranks that proxies and expected improvement give them.
Plain Bayesian optimisation is the same without proxies. A proxy that orders wrongly is left out, never turned round.
Beyond the paper, the forest learns normal scores of the values.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.random import Generator

from dcanas.basics.keys import derive_seed
from dcanas.costs.members import as_architecture
from dcanas.proxies.rank_aggregation import ranks
from dcanas.search.ask_tell.candidates import Candidates, Pool
from dcanas.search.ask_tell.history import History
from dcanas.search.ask_tell.reliability import influences, reliability
from dcanas.search.ask_tell.samplers import Sampler
from dcanas.search.ask_tell.surrogate import (
    ALWAYS_FITTED,
    Forest,
    cross_validated,
    cross_validated_count,
    fitted_count,
    log_expected_improvement,
    normal_scores,
)
from dcanas.search.proposers.proposer import Proposal, at_random

SURROGATE = "surrogate"


class ProxyBo(Sampler):
    """Bayesian optimisation joined by proxies according to their measured reliability."""

    def __init__(self, candidates: Candidates):
        super().__init__(candidates)
        self.names = [SURROGATE, *(source.name for source in candidates.sources)]
        self._known: tuple[bytes, float] = (b"", 0.0)  # reliability of the surrogate by what it was measured on
        self._forest: tuple[tuple[bytes, bytes], Forest] | None = None  # the last one that is kept, by its observations

    def propose(self, history: History, rng: Generator) -> Proposal:
        if len(history) < self.settings.initial or not history.succeeded:
            return at_random(self.candidates.new(history), rng)
        seed = int(rng.integers(2 ** 31))
        features = self.candidates.features(history.choices)
        trusted = self._reliabilities(history, features)
        weights = influences(trusted, len(history.succeeded), self.settings.temperature)
        pool = self.candidates.pool(history, rng)
        improvement = self._log_improvement(history, features, pool, seed) + pool.log_feasible
        placed = len(improvement) + 1 - ranks(np.vstack([improvement, pool.scores]))  # 1: the best
        with np.errstate(over="ignore"):
            combined = (weights @ placed) / np.exp(pool.log_feasible)  # a rank counts for less if a limit may break
        chosen = int(rng.choice(np.flatnonzero(combined == combined.min())))
        return Proposal(as_architecture(self.candidates.space, pool.choices[chosen]), self._why(
            trusted, weights, placed[:, chosen], pool, chosen, float(improvement[chosen])))

    def _reliabilities(self, history: History, features: np.ndarray) -> np.ndarray:
        """Return that of the surrogate (0 below ten observations), then those of the proxies."""
        if len(self.names) == 1:
            return np.zeros(1)  # nothing depends on it
        return np.array([self._own_reliability(features, history.values),
                         *reliability(self.candidates.scores(history.choices), history.values)])

    def _own_reliability(self, features: np.ndarray, values: np.ndarray) -> float:
        """Return the surrogate's by cross-validation on the first observations; the last answer is kept."""
        count = cross_validated_count(len(values))
        key = features[:count].tobytes() + values[:count].tobytes()
        if self._known[0] != key:
            blind = cross_validated(features[:count], normal_scores(values[:count]), derive_seed("folds", count),
                                    self.settings.trees)
            self._known = key, 0.0 if blind is None else float(reliability(blind[None], values[:count])[0])
        return self._known[1]

    def _log_improvement(self, history: History, features: np.ndarray, pool: Pool, seed: int) -> np.ndarray:
        """Return log expected improvement over the best feasible observation.

        Pending trials count as observed at the value that the surrogate expects, so that no worker proposes beside
        them for the same reason. Beyond `ALWAYS_FITTED` observations a forest is kept until there are a tenth more, and
        pending trials, which are few then, change nothing.
        """
        observed = history.values
        count = fitted_count(len(observed))
        values = normal_scores(observed[:count])
        if count > ALWAYS_FITTED:
            forest = self._kept(features[:count], values)
        else:
            forest = Forest(features, values, seed, self.settings.trees)
            if history.pending:
                open_ones = self.candidates.features(np.array([arch.choices for arch in history.pending]))
                forest = Forest(np.vstack([features, open_ones]), np.append(values, forest.predict(open_ones)[0]), seed,
                                self.settings.trees)
        feasible = np.array([o.feasible for o in history.succeeded])
        best = observed[feasible].max() if feasible.any() else observed.max()
        by_value = np.argsort(observed[:count])
        best = np.interp(best, observed[by_value], values[by_value])  # as the forest sees it
        return log_expected_improvement(*forest.predict(pool.features), float(best))

    def _kept(self, features: np.ndarray, values: np.ndarray) -> Forest:
        """Return the forest of these observations, which depends on them alone."""
        key = features.tobytes(), values.tobytes()
        if self._forest is None or self._forest[0] != key:
            self._forest = key, Forest(features, values, derive_seed("forest", len(values)), self.settings.trees)
        return self._forest[1]

    def _why(self, trusted: np.ndarray, weights: np.ndarray, placed: np.ndarray, pool: Pool, chosen: int,
             improvement: float) -> dict[str, Any]:
        """Return what chose it: every opinion's reliability, influence and rank of this candidate among all."""
        opinions = {name: {"influence": round(float(w), 6), "rank": float(p)}
                    for name, w, p in zip(self.names, weights, placed, strict=True)}
        if len(self.names) > 1:
            for name, r in zip(self.names, trusted, strict=True):
                opinions[name]["reliability"] = round(float(r), 6)
        found = {"chosen_by": "influence-weighted ranks", "candidates": len(pool.choices), "opinions": opinions,
                 "log_expected_improvement": improvement if np.isfinite(improvement) else None}
        if self.candidates.predicted:
            found["probability_feasible"] = float(np.exp(pool.log_feasible[chosen]))
        return found


class Bo(ProxyBo):
    """Bayesian optimisation alone: expected improvement of the random forest decides."""

    def __init__(self, candidates: Candidates):
        super().__init__(candidates)
        self.names = [SURROGATE]
