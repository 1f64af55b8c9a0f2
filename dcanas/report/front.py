"""Pareto fronts of accuracy and one cost, over all members that were evaluated in the same way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dcanas.report.record import DeviceRecord
from dcanas.search.pareto import non_dominated

JUDGED = {"short": "validation accuracy after short training",
          "inherited": "validation accuracy with inherited weights"}


@dataclass(frozen=True)
class Member:
    """An evaluated member.

    Attributes:
        name: of its run, empty if there is one run only.
        architecture: notation.
        accuracy: on the validation split, from 0 to 1.
        costs: by name, in base units.
    """

    name: str
    architecture: str
    accuracy: float
    costs: Mapping[str, float]


def members_of(device: DeviceRecord, name: str = "") -> tuple[str, list[Member]]:
    """Return how the candidates of a device were evaluated (a key of `JUDGED`), and those that were.

    Args:
        name: of the run.
    """
    costs = {row["architecture"]: row["costs"] for row in device["pool"] or ()}
    if device["evaluations"] is not None:
        judged, kind = device["evaluations"], "inherited"
    else:
        finalists = (device["architecture"] or {}).get("provenance", {}).get("finalists", ())
        judged, kind = {row["architecture"]: row for row in finalists}, "short"
    return kind, [Member(name, text, found["validation_accuracy"], costs[text])
                  for text, found in judged.items() if text in costs]


def front(members: Sequence[Member], cost: str) -> list[Member]:
    """Return the non-dominated members in cost and accuracy, from the cheapest up."""
    losses = np.array([(member.costs[cost], -member.accuracy) for member in members]).reshape(-1, 2)
    _, rows = np.unique(losses, axis=0, return_index=True)  # from the cheapest up, the first of equal ones
    return [members[row] for row in rows[non_dominated(losses[rows])]]


def common_costs(members: Sequence[Member]) -> list[str]:
    """Return the costs that all members have and that differ between members."""
    names = [name for name in (members[0].costs if members else ()) if all(name in m.costs for m in members)]
    return [name for name in names if len({m.costs[name] for m in members}) > 1]
