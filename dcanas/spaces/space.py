"""What every search space offers; a new space is one class in one file."""

from __future__ import annotations

import inspect
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterator, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any, ClassVar

from dcanas.basics.errors import UserError, unknown
from dcanas.spaces.plan import Block
from dcanas.spaces.types import Architecture, CellSpec, Group, Slot

if TYPE_CHECKING:
    import torch
    from numpy.random import Generator


class Space(ABC):
    """Slots with options, the rules among them, and the networks they stand for.

    A *member* is an architecture that computes something and carries nothing that does not: it is not dead and
    equals its own `prune`. Searches and feasibility consider members only; `enumerate` lists every code.

    Attributes:
        slots: the decisions, in the order of `Architecture.choices`.
        groups: "exactly k of these slots are used"; no slot is in two of them.
        search_skeleton, final_skeleton: defaults of the supernet's and of the delivered network's skeleton
            (names and values of the keyword arguments of `build`).
        skeleton_options: the texts that skeleton options may have, by their names.
    """

    name: str
    slots: tuple[Slot, ...]
    groups: tuple[Group, ...] = ()
    search_skeleton: ClassVar[dict[str, Any]]
    final_skeleton: ClassVar[dict[str, Any]]
    skeleton_options: ClassVar[dict[str, Sequence[str]]] = {}
    additive: ClassVar[bool] = True  # params, MACs and weights are sums over slots (see `costs.LinearCost`)
    elastic: ClassVar[bool] = False  # smaller members are slices of larger ones (see `supernet.elastic`)

    @abstractmethod
    def parse(self, text: str) -> Architecture:
        """Read the field's notation; raises `NotationError` (position, expected, found)."""

    @abstractmethod
    def format(self, arch: Architecture) -> str:
        """Write the field's notation."""

    def canonical(self, arch: Architecture) -> Architecture:
        """Return the representative of all codes that the field counts as the same network (default: `arch` itself)."""
        return arch

    def function(self, arch: Architecture) -> Hashable:
        """Return a value that codes share if training both tells nothing new: the same operations, wired alike.

        By default that is `canonical`, which some benchmarks define more narrowly.
        """
        return self.canonical(arch)

    def prune(self, arch: Architecture) -> Architecture:
        """Return the member that computes the same function with nothing dead in it (default: nothing can be dead)."""
        return arch

    def is_dead(self, arch: Architecture) -> bool:
        """Return whether no path leads from the input to the output (default: there always is one)."""
        return False

    @abstractmethod
    def build(self, arch: Architecture, num_classes: int = 10, in_channels: int = 3,
              **skeleton: Any) -> torch.nn.Module:
        """Return the network, randomly initialised, with its `blocks` in order. Input: (N, in_channels, H, W)."""

    @abstractmethod
    def source(self, arch: Architecture, num_classes: int = 10, in_channels: int = 3, **skeleton: Any) -> str:
        """Return Python source that needs torch only and whose `build()` returns the network of `build`."""

    @abstractmethod
    def plan(self, arch: Architecture, input_shape: tuple[int, int, int] = (3, 32, 32), num_classes: int = 10,
             **skeleton: Any) -> tuple[Block, ...]:
        """Return the steps of the exported network of `build` (nothing pruned), for closed-form costs.

        Where costs add up over slots, also of choices that break a group: linear costs are read off such plans.
        """

    def input_shape(self, arch: Architecture, shape: tuple[int, int, int], **skeleton: Any) -> tuple[int, int, int]:
        """Return (C, H, W) of the delivered network's input for images of `shape`: the same, unless it is a choice."""
        return shape

    def assemble(self, make_cell: Callable[[CellSpec], torch.nn.Module], num_classes: int = 10, in_channels: int = 3,
                 **skeleton: Any) -> torch.nn.Module:
        """Return the skeleton's network around cells made by `make_cell` (the supernet's way in).

        A cell is called with its input tensors, one positional argument each. Spaces whose candidates cannot be mixed
        by slot leave this out.
        """
        raise UserError(f"Space {self.name} has no supernet that mixes candidates by slot; choose another search.")

    def candidate(self, option: str, in_channels: int, out_channels: int, stride: int) -> torch.nn.Module | None:
        """Return an operation as the supernet holds it: batch norm without scale and shift; None for `none`."""
        raise UserError(f"Space {self.name} has no supernet that mixes candidates by slot; choose another search.")

    def operation(self, option: str, in_channels: int, out_channels: int, stride: int) -> torch.nn.Module | None:
        """Return an operation as the delivered network holds it, for tables of their latencies; None for `none`.

        The default is what `candidate` returns, for spaces whose supernet differs only in the scale and shift of batch
        norms that are folded into convolutions.
        """
        return self.candidate(option, in_channels, out_channels, stride)

    def within(self, search_skeleton: dict[str, Any]) -> Space:
        """Return the part of the space that a search with this skeleton reaches; raises `UserError` for a bad one."""
        self.complete_skeleton(search_skeleton)
        return self

    def extremes(self) -> tuple[Architecture, Architecture]:
        """Return the largest and the smallest member of an elastic space's bounds."""
        raise UserError(f"Space {self.name} has no elastic supernet; use search=differentiable or another space.")

    def cuts(self) -> list[Architecture]:
        """Return the largest member for every further last layer that an elastic supernet holds (see `last_layer`)."""
        return []

    def last_layer(self, arch: Architecture) -> str:
        """Return a name of the last layer that a member has in an elastic supernet: members of one name share it."""
        return ""

    def enumerate(self) -> Iterator[Architecture]:
        """Yield every code in the field's canonical order; only if the space is small."""
        raise UserError(f"Space {self.name} is too large to be enumerated; sample from it instead.")

    def __len__(self) -> int:
        """Number of codes, as `size`; Python's `len` ends at 2^63 and raises `OverflowError` beyond."""
        return self.size

    @property
    def size(self) -> int:
        """Number of codes that keep the groups (dead and equivalent ones included)."""
        grouped = {i for group in self.groups for i in group.slots}
        total = math.prod(len(s.options) for i, s in enumerate(self.slots) if i not in grouped)
        for group in self.groups:
            ways = [1]  # ways[k]: of using exactly k of the slots so far
            for i in group.slots:
                used = len(self.slots[i].options) - 1
                ways = [a + used * b for a, b in zip([*ways, 0], [0, *ways], strict=True)]
            total *= ways[group.k]
        return total

    def require_side(self, input_shape: tuple[int, int, int], least: int, how: str = "", instead: str = "") -> None:
        """Raise `UserError` if an image is smaller than a network divides it.

        Args:
            input_shape: (C, H, W).
            least: smallest side in pixels.
            how, instead: what makes it so large, such as " with stem=imagenet", and what else would help.
        """
        _, height, width = input_shape
        if min(height, width) < least:
            raise UserError(f"Images of {height}x{width} pixels are too small for {self.name}{how}, which divides them "
                            f"by {least}: use at least {least}x{least} (data.size){instead}.")

    @property
    def enumerable(self) -> bool:
        """Whether `enumerate` lists every code in seconds."""
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
        for group in self.groups:
            used = sum(self.uses(group, i, choices[i]) for i in group.slots)
            if used != group.k:
                names = ", ".join(self.slots[i].name for i in group.slots)
                raise UserError(f"Exactly {group.k} of {names} in {self.name} must be other than {group.unused}, "
                                f"got {used}.")
        return Architecture(self.name, choices)

    def uses(self, group: Group, slot: int, option: int) -> bool:
        """Return whether this option of a slot counts towards the group's `k`."""
        return self.slots[slot].options[option] != group.unused

    def is_member(self, arch: Architecture) -> bool:
        """Return whether the architecture is alive and nothing in it is dead."""
        return not self.is_dead(arch) and self.prune(arch) == arch

    def members(self) -> Iterator[Architecture]:
        """Yield the members in canonical order."""
        return (a for a in self.enumerate() if self.is_member(a))

    def sample(self, rng: Generator) -> Architecture:
        """Draw a member uniformly (codes that keep the groups are drawn until one is a member)."""
        while True:
            choices = [int(rng.integers(len(s.options))) for s in self.slots]
            for group in self.groups:
                taken = set(rng.choice(group.slots, group.k, replace=False).tolist())
                for i in group.slots:
                    fitting = [o for o in range(len(self.slots[i].options))
                               if self.uses(group, i, o) == (i in taken)]
                    choices[i] = fitting[int(rng.integers(len(fitting)))]
            arch = self.architecture(choices)
            if self.is_member(arch):
                return arch

    def neighbours(self, arch: Architecture) -> list[Architecture]:
        """Return the distinct other members one step away (pruned after it), in slot order.

        A step gives one slot another option; if that breaks a group, another of its slots changes too.
        """
        found: dict[Architecture, None] = {}
        for i, slot in enumerate(self.slots):
            for option in range(len(slot.options)):
                for other in self._steps(arch, i, option):
                    if not self.is_dead(other):
                        found[self.prune(other)] = None
        found.pop(arch, None)
        return list(found)

    def _steps(self, arch: Architecture, slot: int, option: int) -> Iterator[Architecture]:
        """Yield the codes that give `slot` this option and keep the groups."""
        changed = (*arch.choices[:slot], option, *arch.choices[slot + 1:])
        group = next((g for g in self.groups if slot in g.slots), None)
        if group is None or self.uses(group, slot, option) == self.uses(group, slot, arch.choices[slot]):
            yield Architecture(self.name, changed)
            return
        for i in group.slots:  # one that is used if `slot` now is not, or the other way round
            if i != slot and self.uses(group, i, changed[i]) == self.uses(group, slot, option):
                for o in range(len(self.slots[i].options)):
                    if self.uses(group, i, o) != self.uses(group, i, changed[i]):
                        yield Architecture(self.name, (*changed[:i], o, *changed[i + 1:]))

    def reachable(self) -> list[tuple[int, ...]]:
        """Return per slot the options that a search may choose."""
        return [tuple(range(len(slot.options))) for slot in self.slots]

    def mutate(self, arch: Architecture, rng: Generator) -> Architecture:
        """Return a random neighbour."""
        near = self.neighbours(arch)
        return near[int(rng.integers(len(near)))]

    def delivered_skeleton(self, skeleton: dict[str, Any]) -> dict[str, Any]:
        """Return the skeleton of the delivered network: parts that serve training only are left out."""
        return skeleton

    def complete_skeleton(self, skeleton: dict[str, Any]) -> dict[str, Any]:
        """Return `skeleton` with the final skeleton's defaults; raises `UserError` for names and values it cannot have.

        A value must be of its default's type, a whole number at least 1, a text one of `skeleton_options`.
        """
        for name, value in skeleton.items():
            if name not in self.final_skeleton:
                raise unknown(f"skeleton option of {self.name}", name, self.final_skeleton)
            default = self.final_skeleton[name]
            if type(value) is not type(default) or (type(value) is int and value < 1):
                wanted = "a whole number from 1" if type(default) is int else f"like {default!r}"
                raise UserError(f"The skeleton option {name} of {self.name} must be {wanted}, got {value!r}.")
            if value not in self.skeleton_options.get(name, (value,)):
                raise unknown(f"{name} of {self.name}", value, self.skeleton_options[name])
        return {**self.final_skeleton, **skeleton}


def delivered_source(network: ModuleType, doc: str, *body: str) -> str:
    """Return the source of a module of networks followed by a function `build()`.

    Args:
        network: a module that needs torch only.
        doc: docstring of the function.
        body: its lines.
    """
    lines = "".join(f"    {line}\n" for line in body)
    return f'{inspect.getsource(network)}\n\ndef build() -> nn.Module:\n    """{doc}"""\n{lines}'
