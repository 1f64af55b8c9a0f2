"""What every search space offers; a new space is one class in one file."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

from numpy.random import Generator

from dcanas.basics.errors import UserError, unknown
from dcanas.basics.registry import Registry
from dcanas.spaces.plan import Block
from dcanas.spaces.types import Architecture, Group, Slot

if TYPE_CHECKING:
    import torch

spaces: Registry = Registry("space")


def load_space(name: str) -> Space:
    """Return the space of this name, always the same object; raises `UserError` with the nearest known name."""
    return _instance(spaces[name])


@cache
def _instance(space: type[Space]) -> Space:
    return space()


class Space(ABC):
    """Slots with options, the rules among them, and the networks they stand for.

    A *member* is an architecture that computes something and carries nothing that does not: it is not dead and
    equals its own `prune`. Searches and feasibility speak of members only; `enumerate` lists every code.

    Attributes:
        slots: the decisions, in the order of `Architecture.choices`.
        groups: "exactly k of these slots are used".
        edges: per slot the (source, target) nodes of the cell that its operation joins.
        search_skeleton, final_skeleton: defaults of the supernet's and of the delivered network's skeleton
            (names and values of the keyword arguments of `build`).
    """

    name: str
    slots: tuple[Slot, ...]
    groups: tuple[Group, ...] = ()
    edges: tuple[tuple[int, int], ...]
    search_skeleton: ClassVar[dict[str, Any]]
    final_skeleton: ClassVar[dict[str, Any]]

    @abstractmethod
    def parse(self, text: str) -> Architecture:
        """Read the field's notation; raises `NotationError` (position, expected, found)."""

    @abstractmethod
    def format(self, arch: Architecture) -> str:
        """Write the field's notation."""

    @abstractmethod
    def canonical(self, arch: Architecture) -> Architecture:
        """Return the representative of all codes the field counts as the same network."""

    @abstractmethod
    def prune(self, arch: Architecture) -> Architecture:
        """Return the member that computes the same function with nothing dead in it."""

    @abstractmethod
    def is_dead(self, arch: Architecture) -> bool:
        """True where no path leads from the input to the output."""

    @abstractmethod
    def build(self, arch: Architecture, num_classes: int = 10, in_channels: int = 3,
              **skeleton: Any) -> torch.nn.Module:
        """Return the network, randomly initialised, with its `blocks` in order. Input: (N, in_channels, H, W)."""

    @abstractmethod
    def assemble(self, make_cell: Callable[[int], torch.nn.Module], num_classes: int = 10, in_channels: int = 3,
                 **skeleton: Any) -> torch.nn.Module:
        """Return the skeleton's network around cells made by `make_cell(channels)` (the supernet's way in)."""

    @abstractmethod
    def candidate(self, option: str, channels: int) -> torch.nn.Module | None:
        """Return an operation as the supernet holds it: batch norm without scale and shift; None for `none`."""

    @abstractmethod
    def source(self, arch: Architecture, num_classes: int = 10, in_channels: int = 3, **skeleton: Any) -> str:
        """Return Python source that needs torch only and whose `build()` returns the network of `build`."""

    @abstractmethod
    def plan(self, arch: Architecture, input_shape: tuple[int, int, int] = (3, 32, 32), num_classes: int = 10,
             **skeleton: Any) -> tuple[Block, ...]:
        """Return the steps of the exported network of `build` (nothing pruned), for closed-form costs."""

    def enumerate(self) -> Iterator[Architecture]:
        """Yield every code in the field's canonical order; only where the space is finite and small."""
        raise UserError(f"Space {self.name} is too large to be enumerated; sample from it instead.")

    def __len__(self) -> int:
        """Number of codes (dead and equivalent ones included)."""
        return math.prod(len(s.options) for s in self.slots)

    @property
    def enumerable(self) -> bool:
        """True where `enumerate` lists every code in seconds."""
        return type(self).enumerate is not Space.enumerate

    def architecture(self, choices: Any) -> Architecture:
        """Return the architecture with these option indices, checked."""
        choices = tuple(int(c) for c in choices)
        if len(choices) != len(self.slots):
            raise UserError(f"{self.name} takes {len(self.slots)} choices, got {len(choices)}.")
        for choice, slot in zip(choices, self.slots, strict=True):
            if not 0 <= choice < len(slot.options):
                raise UserError(f"Slot {slot.name} of {self.name} has options 0 to {len(slot.options) - 1}, "
                                f"got {choice}.")
        return Architecture(self.name, choices)

    def is_member(self, arch: Architecture) -> bool:
        """True where the architecture is alive and nothing in it is dead."""
        return not self.is_dead(arch) and self.prune(arch) == arch

    def members(self) -> Iterator[Architecture]:
        """Yield the members in canonical order."""
        return (a for a in self.enumerate() if self.is_member(a))

    def sample(self, rng: Generator) -> Architecture:
        """Draw a member uniformly (codes are drawn until one is a member)."""
        while True:
            arch = self.architecture(rng.integers(len(s.options)) for s in self.slots)
            if self.is_member(arch):
                return arch

    def neighbours(self, arch: Architecture) -> list[Architecture]:
        """Return the distinct other members one changed slot away (pruned after the change), in slot order."""
        found: dict[Architecture, None] = {}
        for i, slot in enumerate(self.slots):
            for option in range(len(slot.options)):
                other = Architecture(self.name, (*arch.choices[:i], option, *arch.choices[i + 1:]))
                if option != arch.choices[i] and not self.is_dead(other):
                    found[self.prune(other)] = None
        found.pop(arch, None)
        return list(found)

    def mutate(self, arch: Architecture, rng: Generator) -> Architecture:
        """Return a random neighbour."""
        near = self.neighbours(arch)
        return near[int(rng.integers(len(near)))]

    def complete_skeleton(self, skeleton: dict[str, Any]) -> dict[str, Any]:
        """Return `skeleton` with the final skeleton's defaults; raises `UserError` for names and values it cannot have.

        A value must be of its default's type, a whole number at least 1.
        """
        for name, value in skeleton.items():
            if name not in self.final_skeleton:
                raise unknown(f"skeleton option of {self.name}", name, self.final_skeleton)
            default = self.final_skeleton[name]
            if type(value) is not type(default) or (type(value) is int and value < 1):
                wanted = "a whole number from 1" if type(default) is int else f"like {default!r}"
                raise UserError(f"The skeleton option {name} of {self.name} must be {wanted}, got {value!r}.")
        return {**self.final_skeleton, **skeleton}
