"""The interface of a cost model, and the networks for which its values are valid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Protocol, runtime_checkable

import numpy as np

from dcanas.basics.errors import UserError
from dcanas.spaces import Architecture, Space


@dataclass(frozen=True)
class Domain:
    """The networks for which a cost is valid: one space, skeleton, input, number of classes and runtime."""

    space: str
    skeleton: tuple[tuple[str, Any], ...]
    input_shape: tuple[int, int, int]
    num_classes: int
    runtime: str = "any"
    batch: int = 1

    @classmethod
    def of(cls, space: Space, input_shape: Sequence[int], num_classes: int, runtime: str = "any",
           **skeleton: Any) -> Domain:
        """Return the domain of networks that `space.build` makes with these arguments; input_shape: (C, H, W)."""
        channels, height, width = input_shape
        return cls(space.name, tuple(sorted(space.complete_skeleton(skeleton).items())),
                   (channels, height, width), num_classes, runtime)

    def require(self, asked: Domain, cost: str) -> None:
        """Raise `UserError` if the networks `asked` about are outside this domain; cost: its name, for the message."""
        for each in fields(self):
            mine, theirs = getattr(self, each.name), getattr(asked, each.name)
            if mine != theirs and "any" not in (mine, theirs):
                raise UserError(f"{cost} holds for {each.name} = {mine}, asked for {theirs}: choose another source "
                                "for this cost or the networks it was made for.")


@dataclass(frozen=True)
class Networks:
    """The networks that a run asks about: one space, one skeleton, one input, one number of classes.

    Attributes:
        input_shape: (C, H, W) in pixels.
        skeleton: of the delivered network.
    """

    space: Space
    input_shape: tuple[int, int, int]
    num_classes: int
    skeleton: Mapping[str, Any] = field(default_factory=dict)

    def shape(self, arch: Architecture) -> tuple[int, int, int]:
        """Return (C, H, W) of the images that the delivered network of an architecture takes."""
        return self.space.input_shape(arch, self.input_shape, **self.skeleton)

    def domain(self, runtime: str = "any") -> Domain:
        """Return these networks, executed by `runtime`, as a domain."""
        return Domain.of(self.space, self.input_shape, self.num_classes, runtime, **self.skeleton)


@runtime_checkable
class CostModel(Protocol):
    """A source of one cost.

    Attributes:
        name, unit: "latency_ms", "ms".
        source: how its values are obtained: "counted", "looked up", "predicted" or "measured".
        domain: the networks for which it is valid; None: all of its space.
    """

    @property
    def name(self) -> str: ...
    @property
    def unit(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def domain(self) -> Domain | None: ...

    def value(self, arch: Architecture) -> float:
        """Return the cost of one architecture."""

    def upper(self, arch: Architecture) -> float:
        """Return the upper confidence bound of the cost; of an exact cost its value."""

    def values(self, choices: np.ndarray) -> np.ndarray:
        """Return the costs of many architectures. Shape: (n, slots) option indices -> (n,)."""

    def uppers(self, choices: np.ndarray) -> np.ndarray:
        """Return the upper confidence bounds of many architectures. Shape: (n, slots) -> (n,)."""

    def expected(self, probabilities: Sequence[Any]) -> Any:
        """Return the expected cost if slot i takes option o with probability `probabilities[i][o]`,
        independently; differentiable, and the discrete cost if every slot is one-hot.
        Shape: per slot a tensor or array (options,) -> scalar."""
