"""Latency as a cost to search under: a handful of members measured on the device, the rest predicted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dcanas.costs import CostModel, Domain, LinearCost
from dcanas.costs.members import as_architecture, member_choices
from dcanas.hardware.devices.device import Device
from dcanas.hardware.latency.latency_fit import FittedLatency, choose_members, fit_counts
from dcanas.hardware.latency.plan_latency import plan_features, planned_latency
from dcanas.hardware.measuring.measured_members import measure_members
from dcanas.spaces import Space

MEMBERS = 12  # measured to fit four prices and a base
SAMPLE = 500  # members among which they are chosen where a space is too large to be listed
FEW_OPTIONS = 5  # that the measured members suffice to tell apart


def latency_costs(space: Space, device: Device, folder: Path, macs: CostModel, input_shape: tuple[int, int, int],
                  num_classes: int, names: tuple[str, ...] = ("latency_ms", "latency_p95_ms"), seed: int = 0,
                  **skeleton: Any) -> tuple[dict[str, CostModel], dict[str, FittedLatency]]:
    """Measure a few members of the space on the device (stored in `folder`) and fit what predicts the others.

    Where all slots have the same few options and all cells are alike, that is a price per option, the same in every
    slot; elsewhere a price per million MACs and one per executed step. Returns per name the cost, whose upper bound
    comes from the left-out residuals, and what the fit is worth.
    """
    domain = Domain.of(space, input_shape, num_classes, runtime=device.name, **skeleton)
    choices = measurable(space, seed)
    by_option = space.enumerable and len({slot.options for slot in space.slots}) == 1 and \
        len(space.slots[0].options) <= FEW_OPTIONS
    features = _option_counts(space, choices) if by_option else np.array(
        [plan_features(space, as_architecture(space, row), domain) for row in choices])
    sizes = macs.values(choices)
    picked = choose_members(features, MEMBERS, np.random.default_rng(seed), sizes)
    members = [as_architecture(space, choices[i]) for i in picked]
    profiles = measure_members(space, members, folder, device, input_shape, num_classes, seed=seed, **skeleton)
    costs: dict[str, CostModel] = {}
    fits = {}
    for name in names:
        fit = fit_counts(features[picked], np.array([profiles[m].value(name) for m in members]), sizes[picked])
        costs[name] = _by_option(space, domain, name, fit) if by_option else planned_latency(space, domain, name, fit)
        fits[name] = fit
    return costs, fits


def measurable(space: Space, seed: int) -> NDArray[np.int64]:
    """Return the members among which those to measure are chosen. Shape: (n, slots)."""
    if space.enumerable:
        return member_choices(space)
    rng = np.random.default_rng(seed)
    return np.unique(np.array([space.sample(rng).choices for _ in range(SAMPLE)]), axis=0)


def _option_counts(space: Space, choices: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how often each built option is chosen. Shape: (n, slots) -> (n, options)."""
    options = space.slots[0].options
    return np.stack([(choices == o).sum(axis=1) for o in range(len(options)) if options[o] != "none"], axis=1)


def _by_option(space: Space, domain: Domain, name: str, fit: FittedLatency) -> LinearCost:
    price = dict(zip([o for o in space.slots[0].options if o != "none"], fit.per_option, strict=True))
    table = tuple(tuple(price.get(option, 0.0) for option in slot.options) for slot in space.slots)
    return LinearCost(fit.base, table, name, "ms", "predicted", domain, fit.relative_residual_q95)
