"""What a trial does: train briefly, or look a value up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dcanas.basics.errors import UserError
from dcanas.basics.hooks import Hooks
from dcanas.basics.typed_path import typed_path
from dcanas.proxies.columns import read_column
from dcanas.search.finalists import short_training
from dcanas.search.proposers.new_members import Identity
from dcanas.search.task import SearchTask
from dcanas.spaces import Architecture, Space

Objective = Callable[[Architecture, Hooks], tuple[float, dict[str, Any]]]  # -> value, larger is better; JSON to record


def make_objective(task: SearchTask) -> tuple[Objective, Identity]:
    """Return the objective of a study, and which architectures have the same value.

    A training always starts from the same seed; its value is the accuracy on the validation split, in percent.

    Raises:
        UserError: the table has no such column, or is not one of this space.
    """
    settings = task.settings
    if settings.objective == "table":
        path = typed_path(str(settings.table))
        _, column = read_column(path, str(settings.column), task.space)
        objective = look_up(task.space, {arch.choices: value for arch, value in column.items()},
                            f"{path.name}, {settings.column}")
        return objective, lambda arch: arch  # two codes of one network were trained twice

    def train_briefly(arch: Architecture, hooks: Hooks) -> tuple[float, dict[str, Any]]:
        found = short_training(task.space, task.dataset, task.recipe, settings.epochs, task.seed, arch, hooks,
                               skeleton=task.skeleton, device=task.device)
        return 100 * found["validation_accuracy"], found

    return train_briefly, task.space.canonical


def look_up(space: Space, known: Mapping[tuple[int, ...], float], name: str) -> Objective:
    """Return the objective that looks up a published value.

    Args:
        known: values by option indices.
        name: of the table, for messages.
    """
    def evaluate(arch: Architecture, hooks: Hooks) -> tuple[float, dict[str, Any]]:
        if arch.choices not in known:
            raise UserError(f"{name} has no value for {space.format(arch)}.")
        return float(known[arch.choices]), {"looked_up": name}

    return evaluate
