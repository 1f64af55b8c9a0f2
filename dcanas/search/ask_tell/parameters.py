"""A space as independent categorical parameters, so that any values a sampler picks are a code of the space.

A slot outside groups is one parameter. A group ("exactly k of these slots are used") is one parameter for which k
slots are used and, if a used slot has several options, k more for theirs: a node of DARTS becomes a pair of edges
and two operations.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution

from dcanas.spaces import Architecture, Space
from dcanas.spaces.types import Group


@dataclass(frozen=True)
class Parameter:
    """One categorical decision; `labels` are what it shows, in the order of its values 0, 1, ..."""

    name: str
    labels: tuple[str, ...]


class Parameters:
    """The way between architectures and the values of independent parameters, both ways exact."""

    def __init__(self, space: Space):
        self.space = space
        grouped = {i for group in space.groups for i in group.slots}
        self._single = [i for i in range(len(space.slots)) if i not in grouped]
        self._options = {i: tuple(options) for i, options in enumerate(space.reachable())}
        self._unions = [_Union(space, group, self._options) for group in space.groups]
        named = [Parameter(space.slots[i].name, tuple(space.slots[i].options[o] for o in self._options[i]))
                 for i in self._single]
        self.parameters: tuple[Parameter, ...] = (*named, *(p for union in self._unions for p in union.parameters))

    def encode(self, arch: Architecture) -> list[int]:
        """Return the value of every parameter."""
        values = [self._options[i].index(arch.choices[i]) for i in self._single]
        return values + [value for union in self._unions for value in union.encode(arch)]

    def decode(self, values: Sequence[int]) -> Architecture:
        """Return the code (not pruned) that these values stand for."""
        choices = [0] * len(self.space.slots)
        for i, value in zip(self._single, values, strict=False):
            choices[i] = self._options[i][value]
        left = list(values[len(self._single):])
        for union in self._unions:
            count = len(union.parameters)
            union.decode(left[:count], choices)
            left = left[count:]
        return self.space.architecture(choices)

    def distributions(self) -> dict[str, BaseDistribution]:
        """Return the parameters as Optuna shows and stores them."""
        return {p.name: CategoricalDistribution(p.labels) for p in self.parameters}

    def params(self, arch: Architecture) -> dict[str, Any]:
        """Return the labels by parameter name, as in a trial's `params`."""
        return {p.name: p.labels[v] for p, v in zip(self.parameters, self.encode(arch), strict=True)}

    def from_params(self, params: Mapping[str, Any]) -> Architecture:
        """Return the code of a trial's `params`."""
        return self.decode([p.labels.index(params[p.name]) for p in self.parameters])


class _Union:
    """The parameters of one group."""

    def __init__(self, space: Space, group: Group, options: Mapping[int, tuple[int, ...]]):
        self.group = group
        self.used = {i: tuple(o for o in options[i] if space.uses(group, i, o)) for i in group.slots}
        self.idle = {i: next((o for o in options[i] if not space.uses(group, i, o)), None) for i in group.slots}
        self.picks = [pick for pick in itertools.combinations(group.slots, group.k)
                      if all(self.used[i] for i in pick)
                      and all(self.idle[i] is not None for i in group.slots if i not in pick)]
        names = [space.slots[i].name for i in group.slots]
        first = f"{names[0]}..{names[-1]}"
        labels = tuple(" & ".join(space.slots[i].name for i in pick) for pick in self.picks)
        self.kinds = self.used[group.slots[0]]  # the operations of a used slot are the same in the whole group
        operations = tuple(space.slots[group.slots[0]].options[o] for o in self.kinds)
        several = any(len(self.used[i]) > 1 for i in group.slots)
        self.parameters = (Parameter(f"{first} used", labels), *(
            Parameter(f"{first} operation {n + 1}", operations) for n in range(group.k if several else 0)))

    def encode(self, arch: Architecture) -> list[int]:
        pick = tuple(i for i in self.group.slots if arch.choices[i] in self.used[i])
        return [self.picks.index(pick), *(self.kinds.index(arch.choices[i])
                                          for i, _ in zip(pick, self.parameters[1:], strict=False))]

    def decode(self, values: Sequence[int], choices: list[int]) -> None:
        for i, option in self.idle.items():
            choices[i] = self.used[i][0] if option is None else option
        for n, i in enumerate(self.picks[values[0]]):
            choices[i] = self.kinds[values[1 + n]] if len(values) > 1 else self.used[i][0]
