"""The part of a space of inverted residuals that one elastic supernet holds."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields
from typing import Any, Self

from dcanas.basics.errors import UserError, unknown
from dcanas.spaces.mbconv_notation import PLACES, STAGES
from dcanas.spaces.types import Slot

Choices = tuple[int, ...]
NESTED = ("expansion", "width", "depth", "kernel")


@dataclass(frozen=True)
class ElasticBounds:
    """What members of an elastic supernet may choose; the largest of everything is the supernet itself.

    resolution, stem, head: options of the whole network (resolution may vary: weights do not depend on it); a head of 0
        has no convolution.
    stages: numbers of stages that members have; the others are cut off. Not a choice in `mobilenetv2`.
    expansion, width, kernel: options of each of the seven stages, in `mbconv` of every block of the stage.
    depth: numbers of blocks of each stage. In `mbconv` they are consecutive: as many as the smallest stay, any of
        those after them may be absent.
    stride: one number per stage, fixed: a slice of a filter cannot change what its stride has taught it.
    """

    resolution: Choices
    stem: Choices
    expansion: tuple[Choices, ...]
    width: tuple[Choices, ...]
    depth: tuple[Choices, ...]
    stride: Choices
    kernel: tuple[Choices, ...]
    head: Choices
    stages: Choices = (STAGES,)

    @classmethod
    def of(cls, values: dict[str, Any]) -> Self:
        """Read bounds as configuration states them (`space.search_skeleton`).

        A number is a single option; `expansion`, `depth` and `kernel` given as one list hold for every stage, else
        they are seven lists, as `width` always is. Raises `UserError` naming the key, what was expected and what came.
        """
        names = {f.name: f.default is MISSING for f in fields(cls)}
        for name in values:
            if name not in names:
                raise unknown("elastic bound", name, names)
        missing = [name for name, needed in names.items() if needed and name not in values]
        if missing:
            raise UserError(f"The bounds of the elastic supernet lack {', '.join(missing)}; state them in "
                            "space.search_skeleton (see conf/space/mbconv.yaml).")
        return cls(**{name: _read(name, value) for name, value in values.items()})

    def __post_init__(self) -> None:
        if not set(self.stages) <= set(range(1, STAGES + 1)):
            raise UserError(f"space.search_skeleton.stages must be numbers from 1 to {STAGES}, got {self.stages}.")
        self._check_slices()

    def _check_slices(self) -> None:
        """Refuse bounds whose members are no slices of one function: weights shared among them would serve none.

        An expansion of 1 has no widening convolution, and a first block of stride 1 is residual where it keeps the
        width: all members must agree in both. What reads the features must be widest in the largest member.
        """
        before = self.stem
        for stage in range(STAGES):
            if 1 in self.expansion[stage] and set(self.expansion[stage]) != {1}:
                raise UserError(f"space.search_skeleton.expansion of stage {stage + 1} mixes 1, which has no widening "
                                f"convolution, with others; use [1] or leave 1 out.")
            same = set(before) & set(self.width[stage])
            if self.stride[stage] == 1 and same and len(set(before) | set(self.width[stage])) > 1:
                raise UserError(f"space.search_skeleton.width: stage {stage + 1} has stride 1 and may keep the width "
                                f"before it ({min(same)}) in some members, which makes it residual in these alone; "
                                "use other widths there.")
            before = self.width[stage]
        last = max(self.width[max(self.stages) - 1])
        widest = max(max(self.width[stage - 1]) for stage in self.stages)
        if widest > last or (0 in self.head and 0 < max(self.head) < last):
            raise UserError(f"space.search_skeleton.stages, head: the head of some members reads {widest} channels, "
                            f"that of the largest {last}, its last layer {max(self.head)}; none may be wider.")

    def allowed(self, slot: Slot) -> tuple[int, ...]:
        """Return the indices of the options of a slot that lie within the bounds, ascending; raises `UserError`."""
        if slot.name.startswith("block"):
            return self._block(slot, *map(int, slot.name.removeprefix("block").split(".")))
        kind, stage = (slot.name[:-1], int(slot.name[-1]) - 1) if slot.name[-1].isdigit() else (slot.name, None)
        values = getattr(self, kind)
        wanted = values if stage is None else (values[stage],) if kind == "stride" else values[stage]
        return _indices(kind, slot, ["none" if kind == "head" and value == 0 else str(value) for value in wanted])

    def _block(self, slot: Slot, stage: int, place: int) -> tuple[int, ...]:
        """Return the options of the block at a place (from 1) of a stage (from 1)."""
        depth = self.depth[stage - 1]
        if not set(depth) <= set(range(1, PLACES + 1)) or len(set(depth)) != max(depth) - min(depth) + 1:
            raise UserError(f"space.search_skeleton.depth of stage {stage} must be consecutive numbers from 1 to "
                            f"{PLACES} (blocks after so many as the smallest may be absent), got {list(depth)}.")
        there = place <= max(depth) and stage <= max(self.stages)
        absent = stage - 1 in self.stages if place == 1 else place > min(depth)
        kinds = [f"t{t}k{k}" for t in self.expansion[stage - 1] for k in self.kernel[stage - 1]]
        return _indices("expansion and kernel", slot, (["none"] if absent or not there else []) + kinds * there)


def _indices(kind: str, slot: Slot, wanted: list[str]) -> tuple[int, ...]:
    for value in wanted:
        if value not in slot.options:
            raise UserError(f"space.search_skeleton.{kind}: {value} is no option of {slot.name}, which has "
                            f"{slot.options[0]} to {slot.options[-1]}.")
    return tuple(sorted(slot.options.index(value) for value in set(wanted)))


def _read(name: str, value: Any) -> Any:
    """Return one bound as tuples of whole numbers."""
    items = list(value) if isinstance(value, (list, tuple)) else [value]
    nested = any(isinstance(item, (list, tuple)) for item in items)
    if name not in NESTED or not (nested or name == "width"):
        found = _numbers(name, items)
        if name == "stride" and len(found) != STAGES:
            raise UserError(f"space.search_skeleton.stride must be {STAGES} numbers, got {len(found)}.")
        return (found,) * STAGES if name in NESTED else found
    if len(items) != STAGES:
        raise UserError(f"space.search_skeleton.{name} must be {STAGES} lists of options, got {len(items)}.")
    return tuple(_numbers(name, item if isinstance(item, (list, tuple)) else [item]) for item in items)


def _numbers(name: str, items: Any) -> Choices:
    if not items or any(isinstance(i, bool) or not isinstance(i, int) for i in items):
        raise UserError(f"space.search_skeleton.{name} must hold whole numbers, got {items!r}.")
    return tuple(items)
