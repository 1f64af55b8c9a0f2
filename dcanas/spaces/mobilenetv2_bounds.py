"""The part of MobileNetV2's macro space that one elastic supernet holds."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from dcanas.basics.errors import UserError, unknown
from dcanas.spaces.types import Slot

STAGES = 7
Choices = tuple[int, ...]


@dataclass(frozen=True)
class ElasticBounds:
    """What members of an elastic supernet may choose; the largest of everything is the supernet itself.

    resolution, stem, head: options of the whole network (resolution may vary: weights do not depend on it).
    expansion, width, depth, kernel: options of each of the seven stages.
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

    @classmethod
    def of(cls, values: dict[str, Any]) -> ElasticBounds:
        """Read bounds as configuration states them (`space.search_skeleton`).

        A number is a single option; `expansion`, `depth` and `kernel` given as one list hold for every stage, else
        they are seven lists, as `width` always is. Raises `UserError` naming the key, what was expected and what came.
        """
        names = [f.name for f in fields(cls)]
        for name in values:
            if name not in names:
                raise unknown("elastic bound", name, names)
        missing = [name for name in names if name not in values]
        if missing:
            raise UserError(f"The bounds of the elastic supernet lack {', '.join(missing)}; state them in "
                            "space.search_skeleton (see conf/space/mobilenetv2.yaml).")
        return cls(**{name: _read(name, values[name]) for name in names})

    def __post_init__(self) -> None:
        if any(len(row) != STAGES for row in (self.expansion, self.width, self.depth, self.stride, self.kernel)):
            raise UserError(f"Elastic bounds need {STAGES} stages.")
        if self.stride.count(2) != 4 or set(self.stride) > {1, 2}:
            raise UserError(f"space.search_skeleton.stride must be seven numbers, exactly four of them 2 and the "
                            f"others 1, got {list(self.stride)}.")

        self._check_slices()

    def _check_slices(self) -> None:
        """Refuse bounds whose members are no slices of one function: weights shared among them would serve none.

        An expansion of 1 has no widening convolution, and a first block of stride 1 is residual where it keeps the
        width: all members must agree in both.
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

    def allowed(self, slot: Slot) -> tuple[int, ...]:
        """Return the indices of the options of a slot that lie within the bounds, ascending; raises `UserError`."""
        kind, stage = (slot.name[:-1], int(slot.name[-1]) - 1) if slot.name[-1].isdigit() else (slot.name, None)
        values = getattr(self, kind)
        wanted = values if stage is None else (values[stage],) if kind == "stride" else values[stage]
        for value in wanted:
            if str(value) not in slot.options:
                raise UserError(f"space.search_skeleton.{kind}: {value} is no option of {slot.name}, which has "
                                f"{slot.options[0]} to {slot.options[-1]}.")
        return tuple(sorted(slot.options.index(str(value)) for value in set(wanted)))


def _read(name: str, value: Any) -> Any:
    """Return one bound as tuples of whole numbers."""
    single = name in ("resolution", "stem", "stride", "head")
    items = list(value) if isinstance(value, (list, tuple)) else [value]
    nested = any(isinstance(item, (list, tuple)) for item in items)
    if single or not (nested or name == "width"):
        found = _numbers(name, items)
        if name == "stride" and len(found) != STAGES:
            raise UserError(f"space.search_skeleton.stride must be {STAGES} numbers, got {len(found)}.")
        return found if single else (found,) * STAGES
    if len(items) != STAGES:
        raise UserError(f"space.search_skeleton.{name} must be {STAGES} lists of options, got {len(items)}.")
    return tuple(_numbers(name, item if isinstance(item, (list, tuple)) else [item]) for item in items)


def _numbers(name: str, items: Any) -> Choices:
    if not items or any(isinstance(i, bool) or not isinstance(i, int) for i in items):
        raise UserError(f"space.search_skeleton.{name} must hold whole numbers, got {items!r}.")
    return tuple(items)
