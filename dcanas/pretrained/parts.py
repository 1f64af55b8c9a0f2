"""The parts of a pretrained network as a space: stages cut off, residual blocks left out, slices of blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dcanas.basics.errors import UserError
from dcanas.pretrained.load import Pretrained
from dcanas.pretrained.recognise import STATISTICS
from dcanas.pretrained.record import TakenOver
from dcanas.pretrained.settings import SIDES
from dcanas.pretrained.slices import slice_state, slices_of, start_from_slice
from dcanas.spaces.mbconv import KINDS, NONE, MBConv
from dcanas.spaces.types import Architecture

if TYPE_CHECKING:
    import torch
    from numpy.random import Generator


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

    def sample(self, rng: Generator) -> Architecture:
        """Draw a number of stages, a subset of the later blocks of each, their slices and a resolution, each uniformly.
        """
        choices = [allowed[int(rng.integers(len(allowed)))] for allowed in self.allowed]
        count = int(rng.integers(1, len(self.whole.stages) + 1))
        for i, slot in enumerate(self.slots):
            if slot.name.startswith("block") and slot.options[0] == NONE:
                stage, place = map(int, slot.name.removeprefix("block").split("."))
                kinds = [option for option in self.allowed[i] if option]
                there = stage <= count if place == 1 else rng.random() < 0.5
                choices[i] = kinds[int(rng.integers(len(kinds)))] if there and kinds else 0
        return self.prune(Architecture(self.name, tuple(choices)))

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
        raise UserError(f"The parts of {self.pretrained.source.name} have no elastic supernet; use search=halving, or "
                        "pretrained=none for a supernet that starts at random.")

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
