"""Greedy shrinking: what loses least loss for the share of a limit that it frees goes first."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator

from dcanas.costs.feasibility import select_costs
from dcanas.search.slices.frames import Frame
from dcanas.search.slices.programme import FrameLimits
from dcanas.spaces import Architecture
from dcanas.spaces.mbconv import KINDS


def shrink(frame: Frame, limits: FrameLimits, loss: Callable[[Architecture], float]) -> Architecture | None:
    """Return the slice at which a greedy descent from the frame's largest network comes within all limits.

    A step gives one block the next smaller expansion or kernel, or leaves it out. The price of a step is its loss
    divided by what it frees of the tightest limit; prices are asked again only when they lead, since they rise slowly
    (lazy greedy, Minoux 1978). None: not even the smallest slice is within the limits.

    Args:
        loss: of a slice with the weights that it inherits.
    """
    target, here = limits.target, frame.largest
    limited = select_costs(target.costs, target.budget)

    def use(arch: Architecture) -> float:
        return max((cost.upper(frame.space.prune(arch)) / target.budget[cost.name] for cost in limited), default=0.0)

    now, taken = loss(here), 0

    def price(slot: int, option: int) -> float:
        arch = limits.changed(here, slot, option)
        return (loss(arch) - now) / max(use(here) - use(arch), 1e-9)

    prices = [(price(slot, option), slot, option, taken) for slot, option in _steps(frame, here)]
    heapq.heapify(prices)
    while use(here) > 1:
        if not prices:
            return None
        _, slot, option, asked = heapq.heappop(prices)
        if (slot, option) not in set(_steps(frame, here)):
            continue
        if asked < taken:
            heapq.heappush(prices, (price(slot, option), slot, option, taken))
            continue
        here, taken = limits.changed(here, slot, option), taken + 1
        now = loss(here)
        for step in _steps(frame, here):
            if step[0] == slot:
                heapq.heappush(prices, (price(*step), *step, taken))
    return frame.space.prune(here)


def _steps(frame: Frame, arch: Architecture) -> Iterator[tuple[int, int]]:
    """Yield the steps down from a slice: slot and option."""
    for slot, allowed in enumerate(frame.space.allowed):
        options = frame.space.slots[slot].options
        kind = KINDS.get(options[arch.choices[slot]])
        if kind is None or len(allowed) < 2:
            continue
        smaller = {option: KINDS[options[option]] for option in allowed if option and option in allowed
                   and options[option] in KINDS}
        thinner = [option for option, other in smaller.items()
                   if other.kernel == kind.kernel and other.expansion < kind.expansion]
        narrower = [option for option, other in smaller.items()
                    if other.expansion == kind.expansion and other.kernel < kind.kernel]
        yield from ((slot, found[-1]) for found in (thinner, narrower) if found)
        if 0 in allowed:
            yield slot, 0
