"""Nominees under limits that are measured: each at the largest resolution at which it was measured within them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from dcanas.basics.hooks import Hooks
from dcanas.costs import CostModel
from dcanas.costs.feasibility import select_costs
from dcanas.hardware.measuring.measured_members import BRIEF_SECONDS
from dcanas.pretrained.parts import PretrainedParts
from dcanas.search.halving.nominate import AFTER_STAGE, Nominee, Use, largest, nominate
from dcanas.search.task import Target
from dcanas.spaces import Architecture

SLACK = 0.25  # share of a limit by which predictions of latency are off
HEADROOM = 0.9  # of a measured limit: minutes later, measured again, a network takes up to a tenth more or less
ROUNDS = 2  # of measurements: at the predicted resolution, then at that which the measurement suggests
SPARE = 2.0  # parts nominated for each one wanted, as a measurement may refuse some


def expected_use(target: Target, off: Mapping[str, float] | None = None) -> Use:
    """Return the share of the limits that a network takes: exact counts, predictions of what will be measured, and
    upper bounds of what will not.

    Args:
        off: by cost, the factor by which a measurement of a similar network was off its prediction; empty: 1.
    """
    limited = select_costs(target.costs, target.budget)
    measured = [name for name, source in target.latency.decided_by.items() if source == "measured"]

    def share(cost: CostModel, arch: Architecture) -> float:
        value = cost.value(arch) * (off or {}).get(cost.name, 1.0) if cost.name in measured else cost.upper(arch)
        return float(value) / target.budget[cost.name]

    return lambda arch: max((share(cost, arch) for cost in limited), default=0.0)


def nominees_within(space: PretrainedParts, target: Target, count: int,
                    hooks: Hooks) -> tuple[list[Nominee], list[dict[str, Any]]]:
    """Return parts within the limits of a device (see `nominate`), and those that a measurement refused.

    For those that are refused the next ones are measured, until there are `count` or `SPARE` times as many were asked.
    """
    lenient = expected_use(target, dict.fromkeys(target.budget, 1 / (1 + SLACK)))
    waiting = nominate(space, expected_use(target), math.ceil(SPARE * count), lenient)
    kept: list[Nominee] = []
    refused: list[dict[str, Any]] = []
    wanted = max(count, sum(nominee.kind == AFTER_STAGE for nominee in waiting))
    while waiting and len(kept) < max(count, 1):
        asked, waiting = waiting[:wanted], waiting[wanted:]
        within, broken = measured_within(space, target, asked, hooks)
        kept, refused = [*kept, *within], [*refused, *broken]
        wanted = count - len(kept)
    return kept, refused


def measured_within(space: PretrainedParts, target: Target, nominees: Sequence[Nominee],
                    hooks: Hooks) -> tuple[list[Nominee], list[dict[str, Any]]]:
    """Return the nominees at resolutions at which they were measured within the limits, and those that never were.

    All are measured side by side; how far the prediction was off moves each to another resolution, at most `ROUNDS`
    times: the largest within `HEADROOM` of the limits, or the nearest to that if none is. Without a measured limit all
    are returned.
    """
    sources = [source for name, source in target.latency.by_cost.items()
               if name in target.budget and source.decided_by == "measured"]
    if not sources:
        return list(nominees), []
    predicted = {cost.name: cost for cost in target.costs}
    kept: dict[int, Nominee] = {}
    refused: dict[int, dict[str, Any]] = {}
    asked, seen = dict(enumerate(nominees)), {nominee.architecture for nominee in nominees}
    for _ in range(ROUNDS):
        with hooks.stage(f"Measuring candidates on {target.name}"):
            members = [each.architecture for each in asked.values()]
            found = {source.cost: {arch: profile.upper(source.cost) for arch, profile in
                                   source.measure(members, seconds=BRIEF_SECONDS).items()} for source in sources}
        further: dict[int, Nominee] = {}
        for number, nominee in asked.items():
            arch = nominee.architecture
            shares = {cost: values[arch] / target.budget[cost] for cost, values in found.items()}
            most = max(shares.values())
            if most > 1:
                refused[number] = {"architecture": space.format(arch),
                                   "broken": [cost for cost, share in shares.items() if share > 1]}
            elif number not in kept or _worse(most) < _worse(kept[number].use):
                kept[number] = nominee._replace(use=most)
            off = {cost: values[arch] / predicted[cost].value(arch) / HEADROOM for cost, values in found.items()}
            other = largest(space, space.chain(arch), nominee.kind, expected_use(target, off))
            if other and other.architecture not in seen:
                further[number] = other
                seen.add(other.architecture)
        asked = further
        if not asked:
            break
    return [kept[number] for number in sorted(kept)], [refused[number] for number in refused if number not in kept]


def _worse(share: float) -> tuple[bool, float]:
    """Return how far a measured share of a limit is from `HEADROOM`; any above it is worse than any below."""
    return share > HEADROOM, abs(HEADROOM - share)
