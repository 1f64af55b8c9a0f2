"""What the C of a network takes of a microcontroller, bounded from its plan before anything is generated.

Stored constants follow the generator (`export.c99`): of a convolution or matrix the kernel, one byte a weight, and per
filter a bias and a scale of four bytes each; filters go in twos, so that an odd one is stored twice; of a batch norm
four numbers per channel; of the image a table of 256 bytes per channel. Code, the structures of the layers and the
harness around the network are bounded by what compiled networks take. RAM is the arena (live activations, which the
generator orders so that they are at most those of the plan, and a convolution's patches), the image, the logits and the
stack.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from dcanas.costs.linear import LinearCost
from dcanas.costs.linearise import ExpectedByFit
from dcanas.costs.memory import peak_elements
from dcanas.costs.model import CostModel, Domain
from dcanas.costs.tabular import TabularCost, table_of_codes
from dcanas.costs.units import cost_unit
from dcanas.spaces import Architecture, Space
from dcanas.spaces.plan import Block, Shape, Step

Plan = Sequence[Block]
PER_FILTER = 8  # bytes: a bias and a scale
PER_NORMALISED = 16  # weight, mean, deviation and bias of a channel
PER_VALUE = 256  # of the table that an image's bytes go through
CODE = {"float": 4864, "integer": 8192}  # by arithmetic: kernels, start-up, exchange of images and answers
PER_STEP = 76  # structure and call of a layer
STACK = 768
FRAGMENTS = 0.04  # of the activations: what placing them in one piece of memory can cost
SAMPLED = 300  # members by which a sum over slots is made a bound


def flash_bound(plan: Plan, input_shape: Shape) -> float:
    """Return an upper bound of the flash, in bytes, without the names of the classes and the code."""
    layers = sum(block.count * sum(_stored(step) for step in block.steps) for block in plan)
    return float(PER_VALUE * input_shape[0] + layers)


def ram_bound(plan: Plan, input_shape: Shape) -> float:
    """Return an upper bound of the RAM, in bytes, the stack and a buffer for the image included."""
    live = peak_elements(plan) * (1 + FRAGMENTS)
    scratch = max((_scratch(step) for block in plan for step in block.steps), default=0)
    return math.ceil(live + scratch + math.prod(input_shape) + plan[-1].output_shape[0] + STACK)


BOUNDS: dict[str, Callable[[Plan, Shape], float]] = {"ram_bytes": ram_bound, "flash_bytes": flash_bound}


def code_bytes(plan: Plan, input_shape: Shape, arithmetic: str, labels: Sequence[str]) -> dict[str, float]:
    """Return both bounds of one network, by name of the cost; see `code_costs`."""
    return {"ram_bytes": ram_bound(plan, input_shape),
            "flash_bytes": flash_bound(plan, input_shape) + _beside(arithmetic, labels)}


def code_costs(space: Space, domain: Domain, arithmetic: str, labels: Sequence[str] = ()) -> list[CostModel]:
    """Return the bounds of RAM and flash of a space's networks as cost models.

    Args:
        arithmetic: of the code, "float" or "integer".
        labels: names of the classes, of which text, its end and a pointer are stored.
    """
    return [_model(space, domain, "ram_bytes", 0),
            _model(space, domain, "flash_bytes", _beside(arithmetic, labels))]


def _beside(arithmetic: str, labels: Sequence[str]) -> int:
    """Return the bytes of code and of the names of the classes."""
    return CODE[arithmetic] + sum(len(name.encode()) + 8 for name in labels)


def _model(space: Space, domain: Domain, name: str, more: int) -> CostModel:
    if space.enumerable:
        return TabularCost(_table(space, domain, name) + more, name, cost_unit(name), "counted", domain)
    if space.additive and name == "flash_bytes":
        return _linear(space, domain, name, more)
    return PlanBound(space, domain, name, more=more)


@dataclass(frozen=True)
class PlanBound(ExpectedByFit):
    """One of the bounds, read from each architecture's own plan; `more` is added to all."""

    space: Space
    domain: Domain
    name: str
    unit: str = "B"
    source: str = "counted"
    more: int = 0

    def value(self, arch: Architecture) -> float:
        return self.more + _bound(self.space, self.domain, self.name, self.space.prune(arch))


@lru_cache(maxsize=1 << 15)
def _bound(space: Space, domain: Domain, name: str, arch: Architecture) -> float:
    shape = space.input_shape(arch, domain.input_shape, **dict(domain.skeleton))
    return BOUNDS[name](space.plan(arch, domain.input_shape, domain.num_classes, **dict(domain.skeleton)), shape)


@lru_cache(maxsize=8)
def _table(space: Space, domain: Domain, name: str) -> np.ndarray:
    return table_of_codes(space, domain, lambda plan: BOUNDS[name](plan, domain.input_shape))


@lru_cache(maxsize=8)
def _linear(space: Space, domain: Domain, name: str, more: int) -> LinearCost:
    """Return the bound as a sum over slots, raised by what it lacks on random members."""
    first = (0,) * len(space.slots)  # may break a group: only its plan is asked for
    alone = [[BOUNDS[name](space.plan(Architecture(space.name, (*first[:i], option, *first[i + 1:])),
                                      domain.input_shape, domain.num_classes, **dict(domain.skeleton)),
                           domain.input_shape)
              for option in range(len(slot.options))] for i, slot in enumerate(space.slots)]
    base = alone[0][0]
    rows = tuple(tuple(value - base for value in row) for row in alone)
    rng, found = np.random.default_rng(0), LinearCost(base, rows, name, cost_unit(name), "counted", domain)
    drawn = [space.sample(rng) for _ in range(SAMPLED)]
    lacking = max(_bound(space, domain, name, space.prune(arch)) - found.value(arch) for arch in drawn)
    return LinearCost(base + more + max(0.0, lacking), rows, name, cost_unit(name), "counted", domain)


def _stored(step: Step) -> int:
    if step.kind in ("conv", "linear"):
        filters = step.shape[0]
        again = 0 if step.depthwise or filters % 2 == 0 else step.weights // filters
        return PER_STEP + step.weights + PER_FILTER * filters + again
    return PER_STEP + (PER_NORMALISED * step.shape[0] if step.kind == "batch_norm" else 0)


def _scratch(step: Step) -> int:
    """Return the bytes of two patches, or in a depthwise convolution of the one that reaches over the border."""
    if step.kind != "conv":
        return 0
    return step.weights if step.depthwise else 2 * (step.weights // step.shape[0])
