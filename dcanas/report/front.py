"""Fronts: of all members that were judged alike, those that no other beats in cost and accuracy at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dcanas.report.record import DeviceRecord
from dcanas.search.pareto import hypervolume, non_dominated

JUDGED = {"short": "validation accuracy after short training",
          "inherited": "validation accuracy with inherited weights"}


@dataclass(frozen=True)
class Member:
    """A member that was judged: its notation, accuracy on the validation split and costs by name."""

    name: str
    architecture: str
    accuracy: float
    costs: Mapping[str, float]


def members_of(device: DeviceRecord, name: str = "") -> tuple[str, list[Member]]:
    """Return how the candidates of a device were judged (see `JUDGED`) and all that were; `name`: of their run."""
    costs = {row["architecture"]: row["costs"] for row in device["pool"] or ()}
    if device["evaluations"] is not None:
        judged, kind = device["evaluations"], "inherited"
    else:
        finalists = (device["architecture"] or {}).get("provenance", {}).get("finalists", ())
        judged, kind = {row["architecture"]: row for row in finalists}, "short"
    return kind, [Member(name, text, found["validation_accuracy"], costs[text])
                  for text, found in judged.items() if text in costs]


def front(members: Sequence[Member], cost: str) -> list[Member]:
    """Return the members that none is cheaper than at the same or a better accuracy, from the cheapest up."""
    losses = _losses(members, cost)
    _, rows = np.unique(losses, axis=0, return_index=True)  # from the cheapest up, the first of equal ones
    return [members[row] for row in rows[non_dominated(losses[rows])]]


def front_volume(members: Sequence[Member], cost: str, reference: float) -> float:
    """Return the hypervolume of a front as a share of its box: costs from 0 to `reference`, accuracy from 0 to 1.

    It is the accuracy of the best member within a limit, averaged over all limits from 0 to `reference`.
    """
    return hypervolume(_losses(members, cost), (reference, 0.0)) / reference


def _losses(members: Sequence[Member], cost: str) -> np.ndarray:
    """Return cost and negative accuracy. Shape: (members, 2)."""
    return np.array([(member.costs[cost], -member.accuracy) for member in members]).reshape(-1, 2)


def common_costs(members: Sequence[Member]) -> list[str]:
    """Return the costs that all members have and that tell them apart."""
    names = [name for name in (members[0].costs if members else ()) if all(name in m.costs for m in members)]
    return [name for name in names if len({m.costs[name] for m in members}) > 1]
