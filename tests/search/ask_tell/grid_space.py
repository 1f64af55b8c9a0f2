"""A small space for tests: four slots of four options, all codes alive and different."""

from __future__ import annotations

import itertools
from typing import Any, ClassVar

import numpy as np

from dcanas.costs import Budget, LinearCost
from dcanas.search.ask_tell.candidates import Candidates
from dcanas.search.ask_tell.proxy_sources import ProxySource, known_values, select_sources
from dcanas.search.ask_tell.study_settings import SamplerSettings
from dcanas.search.feasible import FeasibleMembers
from dcanas.spaces import Architecture, Slot, Space

SLOTS, OPTIONS = 4, ("a", "b", "c", "d")


class Grid(Space):
    """256 codes written as four digits."""

    name = "grid"
    slots = tuple(Slot(f"s{i}", OPTIONS) for i in range(SLOTS))
    search_skeleton: ClassVar[dict[str, Any]] = {}
    final_skeleton: ClassVar[dict[str, Any]] = {}

    def parse(self, text):
        return self.architecture(text)

    def format(self, arch):
        return "".join(map(str, arch.choices))

    def canonical(self, arch):
        return Architecture(self.name, tuple(sorted(arch.choices)))  # the order of slots is nothing

    def prune(self, arch):
        return arch

    def is_dead(self, arch):
        return False

    def enumerate(self):
        return (Architecture(self.name, c) for c in itertools.product(range(4), repeat=SLOTS))

    build = source = plan = is_dead


GRID = Grid()
CODES = [arch.choices for arch in GRID.enumerate()]
WORTH = np.array([[0, 1, 2, 5], [0, 3, 1, 2], [1, 0, 4, 2], [0, 2, 1, 3]], float)
VALUE = {c: float(sum(WORTH[i, o] for i, o in enumerate(c)) + (2.5 if c[0] == c[3] else 0)) for c in CODES}
BEST = max(VALUE, key=lambda c: VALUE[c])  # 3 1 2 3: 5 + 3 + 4 + 3 + 2.5 = 17.5
SIZE = LinearCost(0.0, ((0.0, 1.0, 2.0, 3.0),) * SLOTS, "params")  # 0 to 12


def proxies(seed: int = 0) -> dict[str, ProxySource]:
    rng = np.random.default_rng(seed)
    return {"right": known_values("right", VALUE), "wrong": known_values("wrong", {c: -v for c, v in VALUE.items()}),
            "half": known_values("half", {c: v + float(rng.normal(0, 2)) for c, v in VALUE.items()})}


def candidates(settings: SamplerSettings, budget: Budget | None = None, identity=lambda arch: arch, seed: int = 0,
               predicted=()) -> Candidates:
    members = FeasibleMembers(GRID, budget or Budget(), [SIZE])
    return Candidates(members, settings, select_sources(settings.proxies, proxies(), seed), identity, predicted)


def worth(arch: Architecture) -> float:
    return VALUE[arch.choices]
