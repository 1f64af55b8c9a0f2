"""The parts of a pretrained network as a space: stages cut off, residual blocks left out, slices of blocks."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import TYPE_CHECKING, Any, Self

from dcanas.basics.errors import UserError
from dcanas.pretrained.load import Pretrained
from dcanas.pretrained.recognise import STATISTICS
from dcanas.pretrained.record import TakenOver
from dcanas.pretrained.settings import SIDES
from dcanas.pretrained.slices import slice_state, slices_of, start_from_slice
from dcanas.spaces.mbconv import KINDS, NONE, MBConv
from dcanas.spaces.types import Architecture, Slot

if TYPE_CHECKING:
    import torch


class PretrainedParts(MBConv):
    """The members of `mbconv` that are parts of one pretrained network; what it builds starts from its weights.

    A stage keeps its first block and any subset of the others, or is cut off with all that follow it. A block keeps its
    expansion and kernel or has smaller ones (see `slice_state`). The head's convolution, which reads the last stage,
    stays with the whole network only. Images are of any size in `SIDES`.

    Args:
        largest_side: of images in pixels; None: that of `SIDES`.

    Raises:
        UserError: no image is small enough.
    """

    def __init__(self, pretrained: Pretrained, largest_side: int | None = None):
        super().__init__()
        sides = [side for side in SIDES if side <= (largest_side or SIDES[-1])]
        if not sides:
            raise UserError(f"Parts of {pretrained.source.name} take images of at least {SIDES[0]} pixels, and "
                            f"data.size={largest_side}; raise it, leave it out, or set pretrained=none.")
        self.pretrained, self.whole = pretrained, self.chain(pretrained.architecture)
        widest = dict(zip((slot.name for slot in self.slots), self.values(self.whole), strict=True))
        for i, slot in enumerate(self.slots):
            if slot.name == "resolution":
                kept = [str(side) for side in sides]
            elif slot.name == "head":
                kept = [NONE, widest[slot.name] or NONE]
            elif slot.name.startswith("block"):
                slices = slices_of(KINDS.get(widest[slot.name] or NONE))
                kept = [NONE] * (slot.options[0] == NONE) + [f"t{kind.expansion}k{kind.kernel}" for kind in slices]
            else:
                kept = [widest[slot.name] or slot.options[0]]
            self.allowed[i] = tuple(sorted({slot.options.index(value) for value in kept}))

    def prune(self, arch: Architecture) -> Architecture:
        """Leave out the head's convolution if stages are cut off; the slots of these get their first option."""
        pruned = super().prune(arch)
        if len(self.chain(pruned).stages) == len(self.whole.stages):
            return pruned
        return Architecture(self.name, (*pruned.choices[:-1], self.slots[-1].options.index(NONE)))

    def within(self, search_skeleton: dict[str, Any]) -> MBConv:
        """Return the space itself: its bounds are the network's."""
        return self

    def extremes(self) -> tuple[Architecture, Architecture]:
        """Return the largest and the smallest member."""
        return self._ends()

    def narrowed(self, stages: int, side: int) -> Self:
        """Return the members of so many stages whose images have a side in pixels."""
        part = copy(self)
        whole = stages == len(self.whole.stages)
        part.allowed = [self._narrowed(slot, allowed, stages) for slot, allowed in
                        zip(self.slots, self.allowed, strict=True)]
        part.allowed[0] = (self.slots[0].options.index(str(side)),)
        part.allowed[-1] = (self.allowed[-1][-1] if whole else self.slots[-1].options.index(NONE),)
        return part

    def of_sides(self, sides: Sequence[int]) -> Self:
        """Return the members whose images have one of these sides in pixels."""
        part = copy(self)
        part.allowed = [tuple(sorted(self.slots[0].options.index(str(side)) for side in sides)), *self.allowed[1:]]
        return part

    def _narrowed(self, slot: Slot, allowed: tuple[int, ...], stages: int) -> tuple[int, ...]:
        """Return the options of a slot if so many stages stay."""
        if not slot.name.startswith("block") or slot.options[0] != NONE:
            return allowed
        stage, place = map(int, slot.name.removeprefix("block").split("."))
        if stage > stages:
            return (0,)
        return tuple(option for option in allowed if option) if place == 1 else allowed

    def cuts(self) -> list[Architecture]:
        """Return the largest member of every number of stages, without the head's convolution."""
        largest = [self.narrowed(stages, SIDES[0]).extremes()[0] for stages in range(1, len(self.whole.stages) + 1)]
        none = self.slots[-1].options.index(NONE)
        return [Architecture(self.name, (*arch.choices[:-1], none)) for arch in largest]

    def last_layer(self, arch: Architecture) -> str:
        """Return the number of stages: features of different stages are read by layers of their own."""
        chain = self.chain(arch)
        return f"{len(chain.stages)} stages" + (" and head" if chain.head else "")

    def taken_over(self, arch: Architecture, in_channels: int) -> TakenOver:
        """Return where the first weights of a member come from."""
        taken = slice_state(self.pretrained, arch, in_channels)
        parameters = frozenset(name for name in taken if not name.endswith(STATISTICS))
        return TakenOver.of(self.pretrained.file, [self.pretrained.source], taken, parameters)

    def build(self, arch: Architecture, num_classes: int = 10, in_channels: int = 3,
              **skeleton: Any) -> torch.nn.Module:
        """Return the network with the weights that it has as a part of the pretrained one."""
        network = super().build(arch, num_classes, in_channels, **skeleton)
        start_from_slice(network, self.pretrained, arch)
        return network
