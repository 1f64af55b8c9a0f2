"""The protocol that every search fulfils; a further search is one folder, or one file of the user's own, and a preset.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from torch import nn

from dcanas.search.derive import Derived
from dcanas.search.task import SearchTask, Target
from dcanas.spaces import Space


class SearchMethod(Protocol):
    """A way to search a space under the limits of devices; an object without state of its own.

    Attributes:
        results: files that a finished search leaves in its folder; the first holds what `run` returned.
        read_by_derive: names of the settings that `derive` reads and `run` does not.
        scores_final_networks: whether what `run` finds holds for one final skeleton and one data set only.
        distributed: whether several processes of `torchrun` search together.
    """

    results: tuple[str, ...] = ("search.json",)
    read_by_derive: tuple[str, ...] = ()
    scores_final_networks: bool = False
    distributed: bool = False

    def check(self, space: Space, settings: Any) -> None:
        """Raise `UserError` if the method cannot search this space with these settings."""

    def key(self, task: SearchTask) -> Sequence[Any]:
        """Return what the result of `run` depends on besides space, data and seed, as JSON types and dataclasses."""
        return [task.settings, task.recipe, dict(task.limits[0])]

    def effort(self, task: SearchTask, macs: float) -> float:
        """Return roughly what `run` and `derive` train: multiply-accumulates of forward passes per training image.

        It tells users how long a run will take. macs: of a typical network within the budget, for one image.
        """
        return 0.0

    def run(self, task: SearchTask) -> dict[str, Any]:
        """Search and return what was found, as JSON types; a search that was cut off goes on from `task.folder`."""
        raise NotImplementedError

    def derive(self, task: SearchTask, target: Target, found: dict[str, Any], folder: Path) -> Derived:
        """Return the architecture for one device within its budget from what `run` found.

        folder: of the device's results; examinations of candidates are stored there before they are used.
        """
        raise NotImplementedError

    def inherit(self, task: SearchTask, network: nn.Module) -> None:
        """Give a network of the space the weights that it inherits from the search, in place; as a rule none."""
