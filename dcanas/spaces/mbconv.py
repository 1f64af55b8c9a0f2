"""Networks of inverted residuals: MobileNetV2, MNASNet, EfficientNet-Lite and all that lies between them.

Decisions: resolution of the image; width of the stem; for each of seven stages width, stride of its first block and, at
each of six places, expansion and kernel of the block there or none; width of the head's convolution or none. A stage
without a first block is cut off with all that follow. Widths are multiples of 8. There are about 10^71 codes.
Text: see `mbconv_notation`. Published members: see `mbconv_published`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar

from dcanas.basics.errors import UserError
from dcanas.spaces.mbconv_bounds import ElasticBounds
from dcanas.spaces.mbconv_notation import PLACES, STAGES, Chain, Kind, Stage, format_chain, origins, parse_chain
from dcanas.spaces.mbconv_plan import plan_chain, scaled
from dcanas.spaces.plan import Block
from dcanas.spaces.space import Space, delivered_source
from dcanas.spaces.types import Architecture, NotationError, Slot

if TYPE_CHECKING:
    import torch
    from numpy.random import Generator

NONE = "none"
RESOLUTIONS = tuple(str(r) for r in range(32, 321, 4))
WIDTHS = tuple(str(w) for w in range(8, 513, 8))
HEAD_WIDTHS = tuple(str(w) for w in range(8, 1793, 8))
KINDS = {f"t{expansion}k{kernel}": Kind(expansion, kernel) for expansion in (1, 2, 3, 4, 6) for kernel in (3, 5, 7)}
LEAPS = (1, 2, 4, 8)  # by how many options a step changes a slot; widths change by 8, 16, 32 or 64 channels
MOST_HALVINGS = 4  # stages of stride 2 in what is drawn: published networks have four, and 32 pixels are enough
STEM_STRIDES = {"imagenet": 2, "cifar": 1}


class MBConv(Space):
    """Inverted residuals: seven stages of up to six blocks each, with expansion and kernel per block.

    Skeleton, most of it set by where weights come from: `stem` "imagenet" (stride 2) or "cifar" (stride 1);
    `reference`, the side in pixels that resolution 224 stands for: the delivered network takes images whose shorter
    side has resolution x reference / 224 pixels (224: the resolution itself; 32 for images of 32 x 32, which are then
    taken as they are at resolution 224); `activation`, `padding` and `epsilon`: see `mbconv_network.Style`.
    """

    name = "mbconv"
    slots: tuple[Slot, ...] = (
        Slot("resolution", RESOLUTIONS), Slot("stem", WIDTHS),
        *(slot for stage in range(1, STAGES + 1)
          for slot in (Slot(f"width{stage}", WIDTHS), Slot(f"stride{stage}", ("1", "2")),
                       *(Slot(f"block{stage}.{place}", tuple(KINDS) if stage == place == 1 else (NONE, *KINDS))
                         for place in range(1, PLACES + 1)))),
        Slot("head", (NONE, *HEAD_WIDTHS)))
    search_skeleton: ClassVar[dict[str, Any]] = {}
    final_skeleton: ClassVar[dict[str, Any]] = {"stem": "imagenet", "reference": 224, "activation": "relu6",
                                                "padding": "torch", "epsilon": 1e-5}
    skeleton_options: ClassVar[dict[str, Sequence[str]]] = {
        "stem": tuple(STEM_STRIDES), "activation": ("relu6", "relu"), "padding": ("torch", "same")}
    elastic = True
    additive = False  # a stage's cost depends on the width before it and the size of its images
    bounds_class: ClassVar[type[ElasticBounds]] = ElasticBounds

    def __init__(self, bounds: ElasticBounds | None = None):
        self.bounds = bounds
        self.allowed = [bounds.allowed(slot) if bounds else tuple(range(len(slot.options))) for slot in self.slots]

    def within(self, search_skeleton: dict[str, Any]) -> MBConv:
        """Return the part of the space inside elastic bounds (see `ElasticBounds`); an empty dictionary is no bound."""
        return type(self)(self.bounds_class.of(search_skeleton)) if search_skeleton else self

    def chain(self, arch: Architecture) -> Chain:
        """Return the network that a code stands for."""
        return _chain(arch.choices)

    def values(self, chain: Chain) -> list[str | None]:
        """Return the option of every slot; None for what is cut off. Raises `NotationError` for too many blocks."""
        values: list[str | None] = [str(chain.resolution), str(chain.stem)]
        for number, stage in enumerate(chain.stages, start=1):
            if len(stage.places) > PLACES:
                raise NotationError(f"Part {number + 1} of MBConv notation: a stage has at most {PLACES} places for "
                                    f"blocks, found {len(stage.places)}.")
            values += [str(stage.width), str(stage.stride)]
            values += [NONE if kind is None else f"t{kind.expansion}k{kind.kernel}" for kind in stage.places]
            values += [NONE] * (PLACES - len(stage.places))
        values += [None] * ((STAGES - len(chain.stages)) * (2 + PLACES))
        return [*values, str(chain.head) if chain.head else NONE]

    def encode(self, chain: Chain) -> Architecture:
        """Return the code of a network; raises `NotationError` for what is no option."""
        choices = []
        for slot, allowed, value in zip(self.slots, self.allowed, self.values(chain), strict=True):
            if value is not None and value not in slot.options:
                stage = slot.name.partition(".")[0][-1]
                part = int(stage) + 1 if stage.isdigit() else STAGES + 2 if slot.name == "head" else 1
                raise NotationError(f"Part {part} of MBConv notation, {slot.name}: expected {_range(slot.options)}, "
                                    f"found {value}.")
            choices.append(allowed[0] if value is None else slot.options.index(value))
        return self.architecture(choices)

    def parse(self, text: str) -> Architecture:
        """Read `r224-s32 | t1c16n1s1k3 | ... | h1280` (see `mbconv_notation`)."""
        return self.encode(parse_chain(text))

    def format(self, arch: Architecture) -> str:
        return format_chain(self.chain(arch))

    def prune(self, arch: Architecture) -> Architecture:
        """Give all slots of stages that are cut off their first option (within the bounds)."""
        first = 2 + len(self.chain(arch).stages) * (2 + PLACES)
        cut = range(first, len(self.slots) - 1)
        return Architecture(self.name, tuple(self.allowed[i][0] if i in cut else c for i, c in enumerate(arch.choices)))

    def sample(self, rng: Generator) -> Architecture:
        """Draw a member (of the bounds, if there are some).

        Every number of stages is equally likely, every subset of the blocks after a stage's first, and every option of
        the other decisions; without bounds at most four stages have stride 2.
        """
        choices = [allowed[int(rng.integers(len(allowed)))] for allowed in self.allowed]
        count = int(rng.choice(self._stage_counts))
        for i, slot in enumerate(self.slots):
            if slot.name.startswith("block") and slot.options[0] == NONE:
                stage, place = map(int, slot.name.removeprefix("block").split("."))
                kinds = [option for option in self.allowed[i] if option]
                there = stage <= count if place == 1 else 0 not in self.allowed[i] or rng.random() < 0.5
                choices[i] = kinds[int(rng.integers(len(kinds)))] if there and kinds else 0
        strides = [i for i, slot in enumerate(self.slots) if slot.name.startswith("stride")]
        while self._halvings(arch := Architecture(self.name, tuple(choices))) > MOST_HALVINGS and not self.bounds:
            for i in strides:
                choices[i] = int(rng.integers(2))
        return self.prune(arch)

    def reachable(self) -> list[tuple[int, ...]]:
        return self.allowed

    def extremes(self) -> tuple[Architecture, Architecture]:
        if self.bounds is None:
            raise UserError(f"The elastic supernet of {self.name} needs bounds in space.search_skeleton "
                            f"(see conf/space/{self.name}.yaml).")
        return self._ends()

    def _ends(self) -> tuple[Architecture, Architecture]:
        """Return the members with the last and with the first of all options that are allowed."""
        return (self.prune(self.architecture(allowed[-1] for allowed in self.allowed)),
                self.prune(self.architecture(allowed[0] for allowed in self.allowed)))

    def neighbours(self, arch: Architecture) -> list[Architecture]:
        """Return the members one step away.

        One slot 1, 2, 4 or 8 options up or down; a block's expansion or kernel, or the block itself left out or put in.
        """
        return list(dict.fromkeys(other for slot in self._free for other in self._around(arch, slot)))

    def mutate(self, arch: Architecture, rng: Generator) -> Architecture:
        """Return a random neighbour: first the slot is drawn, then its step."""
        near: list[Architecture] = []
        while not near:  # slots of a stage that is cut off change nothing
            near = self._around(arch, self._free[int(rng.integers(len(self._free)))])
        return near[int(rng.integers(len(near)))]

    def build(self, arch: Architecture, num_classes: int = 10, in_channels: int = 3,
              **skeleton: Any) -> torch.nn.Module:
        """Return the network, initialised as torchvision's. Input (N, in_channels, H, W) of any size."""
        from dcanas.spaces.mbconv_network import Network

        network = Network(*self._arguments(arch, skeleton), num_classes, in_channels, **self._style(skeleton))
        network.origins = origins(self.chain(arch))
        return network

    def source(self, arch: Architecture, num_classes: int = 10, in_channels: int = 3, **skeleton: Any) -> str:
        from dcanas.spaces import mbconv_network

        arguments = [*map(repr, (*self._arguments(arch, skeleton), num_classes, in_channels)),
                     *(f"{name}={value!r}" for name, value in self._style(skeleton).items())]
        return delivered_source(mbconv_network, f"Return {self.format(arch)}.",
                                f"return Network({', '.join(arguments)})")

    def plan(self, arch: Architecture, input_shape: tuple[int, int, int] = (3, 32, 32), num_classes: int = 10,
             **skeleton: Any) -> tuple[Block, ...]:
        *_, stem_stride = self._arguments(arch, skeleton)
        shape = self.input_shape(arch, input_shape, **skeleton)
        return plan_chain(self.chain(arch), stem_stride, shape, num_classes)

    def input_shape(self, arch: Architecture, shape: tuple[int, int, int], **skeleton: Any) -> tuple[int, int, int]:
        """Return (C, H, W) with the resolution of the member as the shorter side; the proportions are those of `shape`.
        """
        side = self._arguments(arch, skeleton)[3]
        return (shape[0], *scaled(shape[1], shape[2], side))

    def complete_skeleton(self, skeleton: dict[str, Any]) -> dict[str, Any]:
        completed = super().complete_skeleton(skeleton)
        if not 0 < completed["epsilon"] < 1:
            raise UserError(f"The skeleton option epsilon of {self.name} must lie between 0 and 1, "
                            f"got {completed['epsilon']!r}.")
        return completed

    def _arguments(self, arch: Architecture, skeleton: dict[str, Any]) -> tuple[int, tuple[Any, ...], int, int, int]:
        """Return (stem, stages, head, side, stem's stride) of the network; raises `UserError` for a side too small."""
        options, chain = self.complete_skeleton(skeleton), self.chain(arch)
        side = (2 * chain.resolution * options["reference"] + 224) // 448
        stride = STEM_STRIDES[options["stem"]]
        total = stride * math.prod(stage.stride for stage in chain.stages)
        if side < total:
            raise UserError(f"Images of {side} pixels (resolution {chain.resolution} at reference="
                            f"{options['reference']}) are too small for the strides of {self.name}, which divide them "
                            f"by {total}; raise the skeleton's reference" +
                            (" or use stem=cifar." if stride == 2 else "."))
        stages = tuple((stage.width, stage.stride, tuple(map(tuple, stage.blocks))) for stage in chain.stages)
        return chain.stem, stages, chain.head, side, stride

    def _style(self, skeleton: dict[str, Any]) -> dict[str, Any]:
        options = self.complete_skeleton(skeleton)
        return {name: options[name] for name in ("activation", "padding", "epsilon")}

    @property
    def _stage_counts(self) -> list[int]:
        """Numbers of stages that members may have."""
        firsts = [allowed for slot, allowed in zip(self.slots, self.allowed, strict=True)
                  if slot.name.startswith("block") and slot.name.endswith(".1")]
        most = next((i for i, allowed in enumerate(firsts) if i and not any(allowed)), STAGES)
        return [n for n in range(1, most + 1) if n == most or 0 in firsts[n]]

    @property
    def _free(self) -> list[int]:
        """Slots that can be changed."""
        return [i for i, allowed in enumerate(self.allowed) if len(allowed) > 1]

    def _halvings(self, arch: Architecture) -> int:
        return sum(stage.stride == 2 for stage in self.chain(arch).stages)

    def _around(self, arch: Architecture, slot: int) -> list[Architecture]:
        """Return the members one step of a slot away."""
        others = [self.prune(other) for option in self._near(arch, slot) for other in self._steps(arch, slot, option)]
        return [other for other in others
                if other != arch and (self.bounds or
                                      self._halvings(other) <= max(MOST_HALVINGS, self._halvings(arch)))]

    def _near(self, arch: Architecture, slot: int) -> Iterator[int]:
        """Yield the options a step may give the slot: few of many, so that each is tried often."""
        allowed, options = self.allowed[slot], self.slots[slot].options
        if arch.choices[slot] not in allowed:
            raise UserError(f"{self.slots[slot].name} of {self.format(arch)} lies outside the search's bounds.")
        if self.slots[slot].name.startswith("block"):
            here = KINDS.get(options[arch.choices[slot]])
            for there in allowed:
                kind = KINDS.get(options[there])
                if here is None or kind is None or (here.expansion == kind.expansion) != (here.kernel == kind.kernel):
                    yield there
            return
        here_at = allowed.index(arch.choices[slot])
        for leap in LEAPS:
            for there in (here_at - leap, here_at + leap):
                if 0 <= there < len(allowed):
                    yield allowed[there]


@lru_cache(maxsize=1 << 14)
def _chain(choices: tuple[int, ...]) -> Chain:
    values = [slot.options[c] for slot, c in zip(MBConv.slots, choices, strict=True)]
    stages: list[Stage] = []
    for start in range(2, len(values) - 1, 2 + PLACES):
        width, stride, *kinds = values[start:start + 2 + PLACES]
        if kinds[0] == NONE:
            break
        while kinds[-1] == NONE:
            kinds.pop()
        stages.append(Stage(int(width), int(stride), tuple(KINDS.get(kind) for kind in kinds)))
    return Chain(int(values[0]), int(values[1]), tuple(stages), 0 if values[-1] == NONE else int(values[-1]))


def _range(options: tuple[str, ...]) -> str:
    numbers = [int(option) for option in options if option.isdigit()]
    if len(numbers) < 8:
        return f"one of {', '.join(options)}"
    return f"{numbers[0]} to {numbers[-1]} in steps of {numbers[1] - numbers[0]}"
