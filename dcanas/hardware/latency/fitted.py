"""Latency from a fit to a dozen members that are measured on the device."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dcanas.costs import CostModel, Domain, LinearCost, linear_counts
from dcanas.costs.members import as_architecture, member_choices
from dcanas.costs.plan_cost import PlanCost
from dcanas.hardware.latency.latency_fit import LatencyFit, choose_members, fit_latency
from dcanas.hardware.latency.plan_latency import plan_features, plan_latency
from dcanas.hardware.latency.source import LatencySource
from dcanas.hardware.measuring.measured_members import BRIEF_SECONDS, SECONDS
from dcanas.spaces import Space

MEMBERS = 12  # measured to fit at most four prices and a base
SAMPLE = 500  # members among which they are chosen if a space is too large to be listed
FEW_OPTIONS = 5  # whose prices the measured members determine


class Fitted(LatencySource):
    """Prices fitted to a dozen members that are measured on the device.

    If all slots have the same few options and all cells are alike, there is a price per option, the same in every slot;
    otherwise those of `plan_features`. The upper bound comes from the residuals of members left
    out of the fit.
    """

    name = "fitted to measurements"
    decided_by = "measured"

    def make_model(self) -> CostModel:
        space = self.networks.space
        fit = self._fitted(partial(self.hooks.stage, f"Measuring a few members of {space.name} on {self.device.name}"))
        what = "latency" if self.cost == "latency_ms" else self.cost
        self.hooks.message(f"{what} of members left out is predicted within {100 * fit.loo_mape:.0f} % on average (a "
                           f"line in MACs: {100 * (fit.macs_mape or 0):.0f} %), bounded by "
                           f"+{100 * fit.relative_residual_q95:.0f} %, from {fit.n} measured")
        model = price_per_option if self._by_option else plan_latency
        return model(space, self._domain, self.cost, fit)

    def prepare(self) -> None:
        self._fitted(nullcontext)

    def _fitted(self, stage: Callable[[], AbstractContextManager[Any]]) -> LatencyFit:
        """Return the fit to the measured members; within the stage those are measured that are not stored."""
        networks, space, domain = self.networks, self.networks.space, self._domain
        choices = measurable(space, self.seed)
        archs = [as_architecture(space, row) for row in choices]
        features = option_counts(space, choices) if self._by_option else np.array(
            [plan_features(space, arch, domain) for arch in archs])
        macs = (linear_counts(space, networks.input_shape, networks.num_classes, **networks.skeleton)["macs"]
                if space.additive else PlanCost(space, domain, "macs", "MAC")).values(choices)
        picked = choose_members(features, MEMBERS, np.random.default_rng(self.seed), macs)
        members = [archs[i] for i in picked]
        profiles = self.measure(members, stage, SECONDS if self._by_option else BRIEF_SECONDS)
        latencies = np.array([profiles[arch].value(self.cost) for arch in members])
        return fit_latency(features[picked], latencies, macs[picked])

    @property
    def _domain(self) -> Domain:
        return self.networks.domain(self.device.name)

    @property
    def _by_option(self) -> bool:
        space = self.networks.space
        return space.enumerable and len({slot.options for slot in space.slots}) == 1 and \
            len(space.slots[0].options) <= FEW_OPTIONS


def measurable(space: Space, seed: int) -> NDArray[np.int64]:
    """Return the members among which those to measure are chosen. Shape: (n, slots)."""
    if space.enumerable:
        return member_choices(space)
    rng = np.random.default_rng(seed)
    return np.unique(np.array([space.sample(rng).choices for _ in range(SAMPLE)]), axis=0)


def option_counts(space: Space, choices: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how often each built option is chosen. Shape: (n, slots) -> (n, options)."""
    options = space.slots[0].options
    return np.stack([(choices == o).sum(axis=1) for o in range(len(options)) if options[o] != "none"], axis=1)


def price_per_option(space: Space, domain: Domain, cost: str, fit: LatencyFit) -> LinearCost:
    """Return the cost of a fit on `option_counts`."""
    price = dict(zip([o for o in space.slots[0].options if o != "none"], fit.per_option, strict=True))
    table = tuple(tuple(price.get(option, 0.0) for option in slot.options) for slot in space.slots)
    return LinearCost(fit.base, table, cost, "ms", "predicted", domain, fit.relative_residual_q95)
