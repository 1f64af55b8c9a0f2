"""Operations of spaces whose costs do not add up over slots: the blocks of their networks' plans."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from dcanas.basics.errors import UserError
from dcanas.costs import Domain
from dcanas.costs.linearise import ExpectedByFit
from dcanas.hardware.latency.operations import Operation, missing_rows
from dcanas.spaces import Architecture, Space
from dcanas.spaces.plan import Block

if TYPE_CHECKING:
    import torch

MOST = 300  # operations that are measured one by one
SAMPLE = 500  # members that show how many there are, where a space is too large to be listed


@dataclass(frozen=True)
class BlockSum(ExpectedByFit):
    """base + scale x (sum of the blocks' rows) + per_step x (executed steps), in milliseconds."""

    space: Space
    domain: Domain
    rows: Mapping[str, float] = field(hash=False)
    base: float = 0.0
    scale: float = 1.0
    per_step: float = 0.0
    name: str = "operations"
    relative_error: float = 0.0
    unit: str = "ms"
    source: str = "predicted"

    def value(self, arch: Architecture) -> float:
        plan = self.space.plan(arch, self.domain.input_shape, self.domain.num_classes, **dict(self.domain.skeleton))
        counts = {text: count for text, count in ((block_text(block), block.count) for block in plan) if text}
        missing = [text for text in counts if text not in self.rows]
        if missing:
            raise missing_rows(missing)
        total = sum(block.count * self.rows[block_text(block)] for block in plan if block_text(block))
        return self.base + self.scale * total + self.per_step * sum(block.count * len(block.steps) for block in plan)


def block_operations(space: Space, domain: Domain, seed: int = 0) -> list[Operation]:
    """Return the distinct blocks of all members; raises `UserError` where there are too many to be measured."""
    rng = np.random.default_rng(seed)
    members = space.enumerate() if space.enumerable else (space.sample(rng) for _ in range(SAMPLE))
    skeleton = dict(domain.skeleton)
    found: dict[str, Operation] = {}
    for arch in members:
        plan = space.plan(arch, domain.input_shape, domain.num_classes, **skeleton)
        for number, block in enumerate(plan):
            text = block_text(block)
            if text and text not in found:
                found[text] = _operation(space, domain, arch, plan, number)
        if len(found) > MOST:
            raise UserError(f"{space.name} has more than {MOST} different blocks (widths, kernels and resolutions "
                            "multiply), too many to measure one by one; leave the table out: a limit on latency_ms "
                            "then measures a dozen of its networks and prices MACs and steps.")
    return list(found.values())


def block_text(block: Block) -> str:
    """Return the row of a block; empty for one that ends in a vector: the head, or one that only resizes images."""
    operation = _described(block)
    return operation.text if operation else ""


def _described(block: Block) -> Operation | None:
    output = block.steps[-1].shape
    if len(output) != 3 or block.name == "resize":
        return None
    macs = sum(step.macs for step in block.steps)
    return Operation(block.name, block.input_shape, output,  # type: ignore[arg-type]
                     detail=f"{macs} MACs in {len(block.steps)} steps")


def _operation(space: Space, domain: Domain, arch: Architecture, plan: tuple[Block, ...], number: int) -> Operation:
    described = _described(plan[number])
    assert described is not None
    behind = sum(block.count for block in plan[number:])  # counted from the end: what resizes images is no module

    def make() -> torch.nn.Module:
        network = space.build(arch, domain.num_classes, domain.input_shape[0], **dict(domain.skeleton))
        return list(network.blocks)[-behind]  # type: ignore[arg-type]

    return Operation(described.name, described.input, described.output, False, described.detail, make)
