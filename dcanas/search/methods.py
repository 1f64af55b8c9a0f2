"""The protocol of a search method; a further search is one folder, or one file of the user's own, and a preset."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from torch import nn

from dcanas.search.derive import Derived
from dcanas.search.task import SearchTask, Target
from dcanas.spaces import Space


class SearchMethod(Protocol):
    """A way to search a space under the limits of devices; it keeps no state.

    Attributes:
        results: files that a finished search leaves in its folder; the first holds what `run` returned.
        read_by_derive: names of the settings that `derive` reads and `run` does not.
        scores_final_networks: whether the result of `run` is valid for one final skeleton and one data set only.
        read_beside: beginnings of the further settings that the result of `run` depends on.
        distributed: whether several processes of `torchrun` can search together.
        grows: names of the settings, whole numbers, of which more may be asked in the same run directory.
    """

    results: tuple[str, ...] = ("search.json",)
    read_by_derive: tuple[str, ...] = ()
    scores_final_networks: bool = False
    read_beside: tuple[str, ...] = ()
    distributed: bool = False
    grows: tuple[str, ...] = ()

    def check(self, space: Space, settings: Any) -> None:
        """Raise `UserError` if the method cannot search this space with these settings."""

    def key(self, task: SearchTask) -> Sequence[Any]:
        """Return everything that the result of `run` depends on besides space, data and seed.

        As JSON types and dataclasses.
        """
        return [task.settings, task.recipe, dict(task.limits[0]), *([] if task.start is None else [str(task.start)])]

    def effort(self, task: SearchTask, macs: float) -> float:
        """Return an estimate of the training in `run`, from which the duration of a run is predicted.

        The short training of finalists is counted for every search that has the settings for it.

        Args:
            macs: multiply-accumulates of a typical network within the budget, for one image.

        Returns:
            Multiply-accumulates of forward passes per training image.
        """
        return 0.0

    @abstractmethod
    def run(self, task: SearchTask) -> dict[str, Any]:
        """Search and return what was found, as JSON types; an interrupted search continues from `task.folder`."""

    @abstractmethod
    def derive(self, task: SearchTask, target: Target, found: dict[str, Any], folder: Path) -> Derived:
        """Return the architecture for one device within its budget.

        Args:
            found: what `run` returned.
            folder: of the device's results; examinations of candidates are stored there before they are used.
        """

    def inherit(self, task: SearchTask, network: nn.Module) -> None:
        """Give a network of the space the weights that it inherits from the search, in place; by default none."""
