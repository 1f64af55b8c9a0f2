"""What every single option costs in loss: additive, so that an integer programme can choose among all of them."""

from __future__ import annotations

from collections.abc import Callable

from dcanas.search.slices.frames import Frame
from dcanas.search.slices.programme import Scores, no_scores
from dcanas.spaces import Architecture
from dcanas.spaces.mbconv import KINDS

Loss = Callable[[Architecture], float]


def sensitivities(frame: Frame, loss: Loss) -> Scores:
    """Return, per slot and option, by how much the loss of the frame's largest network falls if only this is changed.

    Expansion and kernel of a block are changed one at a time, and both together count the sum.

    Args:
        loss: of a slice with the weights that it inherits.
    """
    space, largest = frame.space, frame.largest
    whole = loss(largest)
    scores = no_scores(frame)
    for slot, allowed in enumerate(space.allowed):
        name = space.slots[slot].name
        if not name.startswith("block") or len(allowed) < 2:
            continue
        options = space.slots[slot].options
        full = KINDS[options[largest.choices[slot]]]
        alone = {}
        for option in allowed:
            kind = KINDS.get(options[option])
            if kind is None or (kind.expansion == full.expansion) != (kind.kernel == full.kernel):
                changed = (*largest.choices[:slot], option, *largest.choices[slot + 1:])
                alone[options[option]] = whole - loss(Architecture(space.name, changed))
        for option in allowed:
            kind = KINDS.get(options[option])
            scores[slot][option] = alone[options[option]] if kind is None else (
                alone.get(f"t{kind.expansion}k{full.kernel}", 0.0) + alone.get(f"t{full.expansion}k{kind.kernel}", 0.0))
    return scores
