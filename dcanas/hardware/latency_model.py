"""Latency as a cost to search under: a handful of members measured on the device, the rest predicted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from dcanas.costs import CostModel, Domain, LinearCost
from dcanas.costs.members import as_architecture, member_choices
from dcanas.hardware.device import Device
from dcanas.hardware.latency_fit import FittedLatency, choose_members, fit_counts
from dcanas.hardware.members import measure_members
from dcanas.spaces import Space

MEMBERS = 12  # measured to fit four prices and a base


def latency_costs(space: Space, device: Device, folder: Path, macs: CostModel, input_shape: tuple[int, int, int],
                  num_classes: int, names: tuple[str, ...] = ("latency_ms", "latency_p95_ms"), seed: int = 0,
                  **skeleton: Any) -> tuple[dict[str, LinearCost], dict[str, FittedLatency]]:
    """Measure a few members of the space on the device (stored in `folder`) and fit a price per option and slot kind.

    Returns per name the linear cost, whose upper bound comes from the left-out residuals, and what the fit is worth.
    The same option costs the same in every slot.
    """
    choices = member_choices(space)
    options = space.slots[0].options
    counts = np.stack([(choices == o).sum(axis=1) for o in range(len(options)) if options[o] != "none"], axis=1)
    sizes = macs.values(choices)
    picked = choose_members(counts, MEMBERS, np.random.default_rng(seed), sizes)
    members = [as_architecture(space, choices[i]) for i in picked]
    profiles = measure_members(space, members, folder, device, input_shape, num_classes, seed=seed, **skeleton)
    domain = Domain.of(space, input_shape, num_classes, runtime=device.name, **skeleton)
    costs, fits = {}, {}
    for name in names:
        fit = fit_counts(counts[picked], np.array([profiles[m].value(name) for m in members]), sizes[picked])
        price = dict(zip([o for o in options if o != "none"], fit.per_option, strict=True))
        table = tuple(tuple(price.get(option, 0.0) for option in slot.options) for slot in space.slots)
        costs[name] = LinearCost(fit.base, table, name, "ms", "predicted", domain, fit.relative_residual_q95)
        fits[name] = fit
    return costs, fits
