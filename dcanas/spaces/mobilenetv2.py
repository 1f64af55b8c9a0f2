"""MobileNetV2's macro space, that of WRCor's ImageNet search: width, depth and size of inverted residuals.

Slots: resolution of the image, width of the stem, for each of seven stages expansion, width, depth (blocks), stride of
its first block and kernel, and width of the head. Exactly four stages have stride 2. Widths are multiples of 8: the
published ranges (16 to 512, head to 1536) are extended to 8 and 1792, so that torchvision's MobileNetV2 is a member at
every width from 0.25 to 1.4. There are about 10^40 members: nothing here ever lists them.
"""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar

from dcanas.basics.errors import UserError
from dcanas.spaces.mobilenetv2_bounds import ElasticBounds
from dcanas.spaces.plan import Block, BlockPlanner, Shape
from dcanas.spaces.space import Space
from dcanas.spaces.types import Architecture, Group, NotationError, Slot

if TYPE_CHECKING:
    import torch
    from numpy.random import Generator

STAGES = 7
RESOLUTIONS = tuple(str(r) for r in range(192, 321, 32))
WIDTHS = tuple(str(w) for w in range(8, 513, 8))
HEAD_WIDTHS = tuple(str(w) for w in range(8, 1793, 8))
PER_STAGE = (("expansion", "t", ("1", "2", "4", "6")), ("width", "c", WIDTHS),
             ("depth", "n", tuple("123456")), ("stride", "s", ("1", "2")), ("kernel", "k", ("3", "5", "7")))
LEAPS = (1, 2, 4, 8)  # by how many options a step changes a slot; widths change by 8, 16, 32 or 64 channels
STANDARD = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
STEM_STRIDES = {"imagenet": 2, "cifar": 1}


class MobileNetV2(Space):
    """Macro space of inverted residuals; every code that keeps the strides' group is a member.

    Skeleton: `stem` "imagenet" (stride 2) or "cifar" (stride 1); `reference`, the side in pixels that resolution 224
    stands for: the network scales the shorter side of its input to resolution x reference / 224 pixels (224 for
    ImageNet, 32 for images of 32 x 32, which are then untouched at resolution 224).
    """

    name = "mobilenetv2"
    slots = (Slot("resolution", RESOLUTIONS), Slot("stem", WIDTHS),
             *(Slot(f"{slot}{stage + 1}", options) for stage in range(STAGES) for slot, _, options in PER_STAGE),
             Slot("head", HEAD_WIDTHS))
    groups = (Group(tuple(2 + len(PER_STAGE) * stage + 3 for stage in range(STAGES)), 4, unused="1"),)
    search_skeleton: ClassVar[dict[str, Any]] = {}
    final_skeleton: ClassVar[dict[str, Any]] = {"stem": "imagenet", "reference": 224}
    elastic = True
    additive = False  # a stage's cost depends on the width before it and the size of its images

    def __init__(self, bounds: ElasticBounds | None = None):
        self.bounds = bounds
        self.allowed = [bounds.allowed(slot) if bounds else tuple(range(len(slot.options))) for slot in self.slots]

    def within(self, search_skeleton: dict[str, Any]) -> MobileNetV2:
        """Return the part of the space inside elastic bounds (see `ElasticBounds`); an empty dictionary is no bound."""
        return MobileNetV2(ElasticBounds.of(search_skeleton)) if search_skeleton else self

    def parse(self, text: str) -> Architecture:
        """Read `r224-s32 | t1c16n1s1k3 | ... | h1280`; spaces do not matter."""
        parts = re.split(r"\s*\|\s*", text.strip())
        if len(parts) != STAGES + 2:
            raise NotationError(f"MobileNetV2 notation has {STAGES + 2} parts joined by '|' (r224-s32, {STAGES} stages "
                                f"like t6c24n2s2k3, h1280), found {len(parts)} in {text!r}.")
        letters = [("r", "s"), *([tuple(letter for _, letter, _ in PER_STAGE)] * STAGES), ("h",)]
        values: list[str] = []
        for position, (part, names) in enumerate(zip(parts, letters, strict=True), start=1):
            pattern = ("-" if position == 1 else "").join(rf"{letter}(\d+)" for letter in names)
            found = re.fullmatch(pattern, part)
            if not found:
                like = "r224-s32" if position == 1 else "h1280" if position == STAGES + 2 else "t6c24n2s2k3"
                raise NotationError(f"Part {position} of MobileNetV2 notation must be like {like}, found {part!r}.")
            for value in found.groups():
                slot = self.slots[len(values)]
                if value not in slot.options:
                    raise NotationError(f"Part {position} of MobileNetV2 notation, {slot.name}: expected "
                                        f"{_told(slot.options)}, found {value} in {part!r}.")
                values.append(value)
        return self.architecture(slot.options.index(v) for slot, v in zip(self.slots, values, strict=True))

    def format(self, arch: Architecture) -> str:
        resolution, stem, stages, head = decode(arch)
        middle = [f"t{t}c{c}n{n}s{s}k{k}" for t, c, n, s, k in stages]
        return " | ".join([f"r{resolution}-s{stem}", *middle, f"h{head}"])

    def width_multiple(self, multiple: float, resolution: int = 224) -> Architecture:
        """Return MobileNetV2 at a width (0.25 to 1.4), as torchvision rounds its channels; 1.0 is the published one.

        Raises `UserError` for a width whose channels are no options.
        """
        stages = [(t, rounded_width(c * multiple), n, s, 3) for t, c, n, s in STANDARD]
        try:
            return self.parse(" | ".join([f"r{resolution}-s{rounded_width(32 * multiple)}",
                                          *(f"t{t}c{c}n{n}s{s}k{k}" for t, c, n, s, k in stages),
                                          f"h{rounded_width(1280 * max(1.0, multiple))}"]))
        except NotationError as error:
            raise UserError(f"MobileNetV2 of width {multiple:g} is no member of {self.name}: {error}") from error

    def sample(self, rng: Generator) -> Architecture:
        """Draw a member (of the bounds, where there are some) uniformly."""
        choices = [int(rng.choice(allowed)) for allowed in self.allowed]
        if self.bounds is None:
            (group,) = self.groups
            halved = set(rng.choice(group.slots, group.k, replace=False).tolist())
            for i in group.slots:
                choices[i] = int(i in halved)
        return self.architecture(choices)

    def reachable(self) -> list[tuple[int, ...]]:
        return self.allowed

    def extremes(self) -> tuple[Architecture, Architecture]:
        if self.bounds is None:
            raise UserError(f"The elastic supernet of {self.name} needs bounds in space.search_skeleton "
                            "(see conf/space/mobilenetv2.yaml).")
        return (self.architecture(allowed[-1] for allowed in self.allowed),
                self.architecture(allowed[0] for allowed in self.allowed))

    def neighbours(self, arch: Architecture) -> list[Architecture]:
        """Return the members one step away: one slot 1, 2, 4 or 8 options up or down, or a stride 2 moved."""
        return list(dict.fromkeys(other for slot in self._free for option in self._near(arch, slot)
                                  for other in self._steps(arch, slot, option)))

    def mutate(self, arch: Architecture, rng: Generator) -> Architecture:
        """Return a random neighbour: first the slot is drawn, then its step."""
        slot = self._free[int(rng.integers(len(self._free)))]
        near = [other for option in self._near(arch, slot) for other in self._steps(arch, slot, option)]
        return near[int(rng.integers(len(near)))]

    def build(self, arch: Architecture, num_classes: int = 10, in_channels: int = 3,
              **skeleton: Any) -> torch.nn.Module:
        """Return the network, initialised as torchvision's. Input (N, in_channels, H, W) of any size."""
        from dcanas.spaces.mobilenetv2_weights import LoadableNetwork

        return LoadableNetwork(*self._arguments(arch, skeleton), num_classes, in_channels)

    def source(self, arch: Architecture, num_classes: int = 10, in_channels: int = 3, **skeleton: Any) -> str:
        from dcanas.spaces import mobilenetv2_network

        arguments = ", ".join(map(repr, (*self._arguments(arch, skeleton), num_classes, in_channels)))
        return (inspect.getsource(mobilenetv2_network) +
                f'\n\ndef build() -> nn.Module:\n    """Return {self.format(arch)}."""\n'
                f"    return Network({arguments})\n")

    def plan(self, arch: Architecture, input_shape: tuple[int, int, int] = (3, 32, 32), num_classes: int = 10,
             **skeleton: Any) -> tuple[Block, ...]:
        stem, stages, head, side, stem_stride = self._arguments(arch, skeleton)
        channels, height, width = input_shape
        blocks = []
        size = _scaled(height, width, side)
        if min(height, width) != side:
            planner = BlockPlanner("resize", (channels, height, width))
            blocks.append(planner.done(planner.reshaped("resize", 0, *size)))
        shape: Shape = (channels, *size)
        blocks.append(_stem(shape, stem, stem_stride))
        for expansion, out, depth, stride, kernel in stages:
            shape = blocks[-1].steps[-1].shape
            blocks.append(_inverted_residual(shape, out, expansion, kernel, stride, 1))
            if depth > 1:
                shape = blocks[-1].steps[-1].shape
                blocks.append(_inverted_residual(shape, out, expansion, kernel, 1, depth - 1))
        return (*blocks, _head(blocks[-1].steps[-1].shape, head, num_classes))

    def complete_skeleton(self, skeleton: dict[str, Any]) -> dict[str, Any]:
        completed = super().complete_skeleton(skeleton)
        if completed["stem"] not in STEM_STRIDES:
            raise UserError(f"The skeleton option stem of {self.name} must be imagenet or cifar, "
                            f"got {completed['stem']!r}.")
        return completed

    def _arguments(self, arch: Architecture, skeleton: dict[str, Any]) -> tuple[int, tuple[Any, ...], int, int, int]:
        """Return (stem, stages, head, side, stem's stride) of the network; raises `UserError` for a side too small."""
        options = self.complete_skeleton(skeleton)
        resolution, stem, stages, head = decode(arch)
        side = (2 * resolution * options["reference"] + 224) // 448
        stride = STEM_STRIDES[options["stem"]]
        total = stride * math.prod(s for _, _, _, s, _ in stages)
        if side < total:
            raise UserError(f"Images of {side} pixels (resolution {resolution} at reference={options['reference']}) "
                            f"are too small for the strides of {self.name}, which divide them by {total}; raise the "
                            "skeleton's reference" + (" or use stem=cifar." if stride == 2 else "."))
        return stem, stages, head, side, stride

    @property
    def _free(self) -> list[int]:
        """Slots that can be changed."""
        return [i for i, allowed in enumerate(self.allowed) if len(allowed) > 1]

    def _near(self, arch: Architecture, slot: int) -> Iterator[int]:
        """Yield the options a step may give the slot: few of many, so that each is tried often."""
        allowed = self.allowed[slot]
        if arch.choices[slot] not in allowed:
            raise UserError(f"{self.slots[slot].name} of {self.format(arch)} lies outside the search's bounds.")
        here = allowed.index(arch.choices[slot])
        for leap in LEAPS:
            for there in (here - leap, here + leap):
                if 0 <= there < len(allowed):
                    yield allowed[there]


@lru_cache(maxsize=1 << 14)
def decode(arch: Architecture) -> tuple[int, int, tuple[tuple[int, int, int, int, int], ...], int]:
    """Return (resolution, stem, stages, head); a stage is (expansion, width, depth, stride, kernel)."""
    values = [int(slot.options[c]) for slot, c in zip(MobileNetV2.slots, arch.choices, strict=True)]
    size = len(PER_STAGE)
    stages = tuple((values[i], values[i + 1], values[i + 2], values[i + 3], values[i + 4])
                   for i in range(2, 2 + size * STAGES, size))
    return values[0], values[1], stages, values[-1]


def _scaled(height: int, width: int, side: int) -> tuple[int, int]:
    """Return (height, width) scaled so that the shorter of them is `side`, the other rounded half up."""
    short = min(height, width)
    return (2 * height * side + short) // (2 * short), (2 * width * side + short) // (2 * short)


def rounded_width(channels: float) -> int:
    """Return the multiple of 8 nearest to `channels`, but not less than nine tenths of it (torchvision's rule)."""
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded


def _told(options: tuple[str, ...]) -> str:
    if len(options) < 8:
        return f"one of {', '.join(options)}"
    return f"{options[0]} to {options[-1]} in steps of {int(options[1]) - int(options[0])}"


@lru_cache(maxsize=1 << 12)
def _stem(shape: Shape, width: int, stride: int) -> Block:
    block = BlockPlanner("stem", shape)
    return block.done(block.relu(block.conv_bn(0, width, 3, stride)))


@lru_cache(maxsize=1 << 17)
def _inverted_residual(shape: Shape, width: int, expansion: int, kernel: int, stride: int, count: int) -> Block:
    block = BlockPlanner("inverted residual", shape, count)
    hidden = expansion * shape[0]
    value = block.relu(block.conv_bn(0, hidden, 1)) if expansion > 1 else 0
    value = block.relu(block.conv_bn(value, hidden, kernel, stride, groups=hidden))
    value = block.conv_bn(value, width, 1)
    return block.done(block.add(0, value) if stride == 1 and width == shape[0] else value)


@lru_cache(maxsize=1 << 12)
def _head(shape: Shape, width: int, num_classes: int) -> Block:
    block = BlockPlanner("head", shape)
    return block.done(block.linear(block.global_pool(block.relu(block.conv_bn(0, width, 1))), num_classes))
