"""MobileNetV2's macro space, that of WRCor's ImageNet search: width, depth and size of inverted residuals.

The members of `mbconv` whose stages consist of equal blocks and of which exactly four have stride 2, with decisions of
their own: for each of seven stages expansion, width, depth (blocks), stride of its first block and kernel. Widths are
multiples of 8: the published ranges (16 to 512, head to 1536) are extended to 8 and 1792, so that torchvision's
MobileNetV2 is a member at every width from 0.25 to 1.4. There are about 10^32 members.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

from dcanas.basics.errors import UserError
from dcanas.spaces.mbconv import HEAD_WIDTHS, WIDTHS, MBConv
from dcanas.spaces.mbconv_bounds import ElasticBounds
from dcanas.spaces.mbconv_notation import STAGES, Chain, Kind, Stage
from dcanas.spaces.types import Architecture, Group, NotationError, Slot

if TYPE_CHECKING:
    from numpy.random import Generator

RESOLUTIONS = tuple(str(r) for r in range(192, 321, 32))
PER_STAGE = (("expansion", ("1", "2", "4", "6")), ("width", WIDTHS), ("depth", tuple("123456")), ("stride", ("1", "2")),
             ("kernel", ("3", "5", "7")))
STANDARD = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))


class MacroBounds(ElasticBounds):
    """Bounds of members with all stages, exactly four of stride 2."""

    def __post_init__(self) -> None:
        if self.stages != (STAGES,):
            raise UserError(f"Members of mobilenetv2 have {STAGES} stages; use space=mbconv to cut some off "
                            "(space.search_skeleton.stages).")
        if self.stride.count(2) != 4 or set(self.stride) > {1, 2}:
            raise UserError(f"space.search_skeleton.stride must be seven numbers, exactly four of them 2 and the "
                            f"others 1, got {list(self.stride)}.")
        super().__post_init__()


class MobileNetV2(MBConv):
    """Macro space of inverted residuals; every code that keeps the strides' group is a member.

    Skeleton: as that of `mbconv`.
    """

    name = "mobilenetv2"
    slots = (Slot("resolution", RESOLUTIONS), Slot("stem", WIDTHS),
             *(Slot(f"{slot}{stage + 1}", options) for stage in range(STAGES) for slot, options in PER_STAGE),
             Slot("head", HEAD_WIDTHS))
    groups = (Group(tuple(2 + len(PER_STAGE) * stage + 3 for stage in range(STAGES)), 4, unused="1"),)
    bounds_class: ClassVar[type[ElasticBounds]] = MacroBounds

    def chain(self, arch: Architecture) -> Chain:
        return _chain(arch.choices)

    def values(self, chain: Chain) -> list[str | None]:
        if len(chain.stages) < STAGES or any(len(set(stage.places)) > 1 for stage in chain.stages):
            raise NotationError("Members of mobilenetv2 have seven stages of equal blocks, none of them absent; use "
                                "space=mbconv for others.")
        stages = [str(value) for stage in chain.stages
                  for value in (stage.blocks[0].expansion, stage.width, len(stage.places), stage.stride,
                                stage.blocks[0].kernel)]
        return [str(chain.resolution), str(chain.stem), *stages, str(chain.head)]

    def prune(self, arch: Architecture) -> Architecture:
        return arch

    def width_multiple(self, multiple: float, resolution: int = 224) -> Architecture:
        """Return MobileNetV2 at a width (0.25 to 1.4), as torchvision rounds its channels; 1.0 is the published one.

        Raises `UserError` for a width whose channels are no options.
        """
        stages = tuple(Stage(rounded_width(c * multiple), s, (Kind(t, 3),) * n) for t, c, n, s in STANDARD)
        try:
            return self.encode(Chain(resolution, rounded_width(32 * multiple), stages,
                                     rounded_width(1280 * max(1.0, multiple))))
        except NotationError as error:
            raise UserError(f"MobileNetV2 of width {multiple:g} is no member of {self.name}: {error}") from error

    def sample(self, rng: Generator) -> Architecture:
        """Draw a member (of the bounds, if there are some) uniformly."""
        choices = [allowed[int(rng.integers(len(allowed)))] for allowed in self.allowed]
        if self.bounds is None:
            (group,) = self.groups
            halved = set(rng.choice(group.slots, group.k, replace=False).tolist())
            for i in group.slots:
                choices[i] = int(i in halved)
        return self.architecture(choices)


@lru_cache(maxsize=1 << 14)
def _chain(choices: tuple[int, ...]) -> Chain:
    values = [int(slot.options[c]) for slot, c in zip(MobileNetV2.slots, choices, strict=True)]
    stages = []
    for start in range(2, len(values) - 1, len(PER_STAGE)):
        expansion, width, depth, stride, kernel = values[start:start + len(PER_STAGE)]
        stages.append(Stage(width, stride, (Kind(expansion, kernel),) * depth))
    return Chain(values[0], values[1], tuple(stages), values[-1])


def rounded_width(channels: float) -> int:
    """Return the multiple of 8 nearest to `channels`, but not less than nine tenths of it (torchvision's rule)."""
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded
