"""Fronts: of all members that were judged alike, those that no other beats in cost and accuracy at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dcanas.report.record import DeviceRecord

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
    best: list[Member] = []
    for member in sorted(members, key=lambda m: (m.costs[cost], -m.accuracy)):
        if not best or member.accuracy > best[-1].accuracy:
            best.append(member)
    return best


def hypervolume(members: Sequence[Member], cost: str, reference: float) -> float:
    """Return the hypervolume of a front as a share of its box: costs from 0 to `reference`, accuracy from 0 to 1.

    It is the accuracy of the best member within a limit, averaged over all limits from 0 to `reference`.
    """
    steps = [member for member in front(members, cost) if member.costs[cost] <= reference]
    ends = [*(member.costs[cost] for member in steps[1:]), reference]
    return sum(m.accuracy * (end - m.costs[cost]) / reference for m, end in zip(steps, ends, strict=False))


def common_costs(members: Sequence[Member]) -> list[str]:
    """Return the costs that all members have and that tell them apart."""
    names = [name for name in (members[0].costs if members else ()) if all(name in m.costs for m in members)]
    return [name for name in names if len({m.costs[name] for m in members}) > 1]
