"""`LatencyPredictor`: few-shot prediction of the latency of a space's networks on a new device."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from dcanas.basics.errors import UserError
from dcanas.costs import Domain, LinearCost, linear_counts
from dcanas.costs.members import as_architecture, member_choices
from dcanas.hardware.latency.few_shot import Posterior, Prior, choose, posterior, prior_of_counts, prior_of_devices
from dcanas.spaces import Architecture, Space

UPPER = 0.95  # of the one-sided bound: the upper end of a 90 % interval
MEASURE = 10  # networks, by default
FEW = 7  # networks where known devices say what prices look like: what is saved goes into picks (`search.verified`)


@dataclass(frozen=True, eq=False)
class LatencyPredictor:
    """A cost model that learns from measurements; `add` returns a better one.

    Its value is base + price per operation, so the expected latency of the supernet is exact. The upper bound holds
    with probability `probability`; of a network that was measured it is the measurement.

    Attributes:
        choices: the networks among which those to measure are chosen. Shape: (n, slots).
        shared_prices: whether an option costs the same in every slot.
        basis: in words, what the prediction starts from.
        measured: latencies of networks in ms.
    """

    space: Space
    choices: np.ndarray
    prior: Prior
    shared_prices: bool
    basis: str
    domain: Domain
    measured: Mapping[Architecture, float] = field(default_factory=dict)
    probability: float = UPPER
    name: str = "latency_ms"
    unit: str = "ms"
    source: str = "predicted"

    @classmethod
    def of(cls, space: Space, known_ms: Mapping[str, np.ndarray] | None = None, choices: np.ndarray | None = None,
           input_shape: Sequence[int] = (3, 32, 32), num_classes: int = 10, runtime: str = "any",
           **skeleton: Any) -> LatencyPredictor:
        """Return the predictor before any measurement.

        Args:
            known_ms: latencies of `choices` on reference devices, in ms; without them the prior is made from operation
                counts and MACs alone, and `basis` says so. Shape: per device (n,).
            choices: networks to choose from; None: all members in canonical order. Shape: (n, slots).
            input_shape, num_classes, skeleton: of the networks.
            runtime: that executes them, for `domain`.

        Raises:
            UserError: a table has another length, or the costs of the space do not add up over slots.
        """
        if not space.additive:
            raise UserError(f"Costs of {space.name} do not add up over its decisions, so a few measurements "
                            "determine no price per option; state costs.latency_ms: measured in the device's profile.")
        channels, height, width = input_shape
        linear = linear_counts(space, (channels, height, width), num_classes, **skeleton)
        shared = all(len(set(cost.table)) == 1 for cost in linear.values()) and \
            len({slot.options for slot in space.slots}) == 1
        if choices is None:
            if not space.enumerable:
                raise UserError(f"{space.name} is too large to be listed: pass choices, the networks to choose from.")
            choices = member_choices(space)
        features = _features(space, choices, shared)
        if known_ms:
            for device, column in known_ms.items():
                if np.shape(column) != (len(choices),) or not np.all(np.isfinite(column)) or np.min(column) <= 0:
                    raise UserError(f"Known device {device} needs {len(choices):,} positive latencies in ms, one per "
                                    f"network, got shape {np.shape(column)}; devices with gaps cannot be a basis.")
            prior = prior_of_devices(features, np.stack([np.asarray(c, float) for c in known_ms.values()], axis=1))
            basis = f"the tables of {len(known_ms)} known devices ({', '.join(known_ms)})"
        else:
            prior = prior_of_counts(features, linear["macs"].values(choices))
            basis = "operation counts and MACs alone, as no imported table of known devices lists these networks"
        return cls(space, choices, prior, shared, basis,
                   Domain.of(space, input_shape, num_classes, runtime, **skeleton))

    @property
    def wanted(self) -> int:
        """How many networks should be measured before the first prediction."""
        return FEW if self.prior.devices else MEASURE

    def choose(self, n: int = MEASURE, seed: int = 0) -> list[Architecture]:
        """Return the `n` networks whose measurement is the most informative."""
        if not 3 <= n <= len(self.choices):
            raise UserError(f"The number of networks to measure must lie between 3 and {len(self.choices):,}, got {n}.")
        return [as_architecture(self.space, self.choices[i])
                for i in choose(self.prior, n, np.random.default_rng(seed))]

    def add(self, measured: Mapping[Architecture, float]) -> LatencyPredictor:
        """Return the predictor with further measurements, in ms; raises `UserError` for one that is not positive."""
        for arch, value in measured.items():
            if not np.isfinite(value) or value <= 0:
                raise UserError(f"The latency of {self.space.format(arch)} must be a positive number of milliseconds, "
                                f"got {value}.")
        return replace(self, measured={**self.measured, **measured})

    def at(self, probability: float) -> LatencyPredictor:
        """Return the predictor whose upper bound holds with this probability."""
        return replace(self, probability=probability)

    def value(self, arch: Architecture) -> float:
        return float(self.values(np.array([arch.choices]))[0])

    def upper(self, arch: Architecture) -> float:
        return float(self.uppers(np.array([arch.choices]))[0])

    def values(self, choices: np.ndarray) -> np.ndarray:
        return self.posterior.mean(self._design(choices))

    def uppers(self, choices: np.ndarray) -> np.ndarray:
        values = self.posterior.quantile(self.probability, self._design(choices))
        for arch, known in self.measured.items():
            values[(choices == arch.choices).all(axis=1)] = known
        return values

    def bound(self, arch: Architecture) -> float:
        """Return the upper bound of the prediction itself, also of a network that was measured."""
        return float(self.posterior.quantile(self.probability, self._design(np.array([arch.choices])))[0])

    def expected(self, probabilities: Sequence[Any]) -> Any:
        return self.linear.expected(probabilities)

    @cached_property
    def linear(self) -> LinearCost:
        """The prediction as base and price per slot and option."""
        base, prices = self.posterior.weights[0], self.posterior.weights[1:]
        ends = np.cumsum([len(slot.options) - 1 for slot in self.space.slots])
        rows = [prices] * len(ends) if self.shared_prices else np.split(prices, ends[:-1])
        table = tuple((0.0, *row.tolist()) for row in rows)
        return LinearCost(float(base), table, self.name, self.unit, self.source, self.domain)

    @cached_property
    def posterior(self) -> Posterior:
        if not self.measured:
            raise UserError(f"The latency predictor of {self.space.name} has no measurements yet: measure what "
                            "`choose` returns and `add` it.")
        rows = np.array([arch.choices for arch in self.measured])
        return posterior(self.prior, self._design(rows), np.array(list(self.measured.values())))

    def _design(self, choices: np.ndarray) -> np.ndarray:
        return np.column_stack([np.ones(len(choices)), _features(self.space, choices, self.shared_prices)])


def _features(space: Space, choices: np.ndarray, shared: bool) -> np.ndarray:
    """Return how often each option but the first is chosen; per slot if prices are not shared. Shape: (n, features)."""
    if shared:
        return np.stack([(choices == o).sum(axis=1) for o in range(1, len(space.slots[0].options))],
                        axis=1).astype(float)
    return np.concatenate([np.eye(len(slot.options))[choices[:, i]][:, 1:] for i, slot in enumerate(space.slots)],
                          axis=1)
