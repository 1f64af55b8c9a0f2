"""What slices that are trained together have in common: the number of stages and the size of the images."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from dcanas.pretrained.parts import PretrainedParts
from dcanas.search.halving.nominate import SHALLOWEST, Use, sides
from dcanas.spaces import Architecture

THINNEST = 0.35  # share of a frame's largest network that a slice must have: thinner ones lose too much
FARTHER = 1.15  # ratio of two sides of images from which both are worth trying


class Frame:
    """The slices of a pretrained network cut after one stage, on images of one size.

    Attributes:
        space: these slices; `stages`, `side` (pixels): what they have in common.
    """

    def __init__(self, space: PretrainedParts, stages: int, side: int):
        self.space, self.stages, self.side = space.narrowed(stages, side), stages, side

    @cached_property
    def ends(self) -> tuple[Architecture, Architecture]:
        """The largest and the smallest of these slices."""
        return self.space.extremes()

    @property
    def largest(self) -> Architecture:
        return self.ends[0]


def frames_for(space: PretrainedParts, uses: Sequence[Use]) -> list[Frame]:
    """Return the frames in which slices just keep the limits.

    For every number of stages these are the largest image at which the largest network keeps the limits, and larger
    images up to those at which only a slice of `THINNEST` would.

    Args:
        uses: per device, the largest share of a limit that a network takes.
    """
    found: list[Frame] = []
    for least in (SHALLOWEST, 1):
        for stages in range(least, len(space.whole.stages) + 1):
            for use in uses:
                found += _along(space, stages, use, found)
        if found:
            break
    return found


def _along(space: PretrainedParts, stages: int, use: Use, known: Sequence[Frame]) -> list[Frame]:
    """Return the new frames of one number of stages for one device, by rising size of images."""
    frames = [Frame(space, stages, side) for side in sides(space)]
    within = [frame for frame in frames if use(frame.largest) <= 1]
    chosen = within[-1:]
    for frame in frames[len(within):]:
        near = bool(chosen) and frame.side < FARTHER * chosen[-1].side
        if not near and use(frame.ends[1]) <= 1 and use(frame.largest) <= 1 / THINNEST:
            chosen.append(frame)
    taken = {(frame.stages, frame.side) for frame in known}
    return [frame for frame in chosen if (frame.stages, frame.side) not in taken]
