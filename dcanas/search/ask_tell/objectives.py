"""What a trial does: train briefly, or look a value up."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from dcanas.basics.errors import UserError
from dcanas.basics.fan_out.tasks import open_tasks
from dcanas.basics.hooks import Hooks
from dcanas.basics.typed_path import typed_path
from dcanas.proxies.columns import read_column
from dcanas.search.finalists import BriefTraining
from dcanas.search.proposers.new_members import Identity
from dcanas.search.task import SearchTask
from dcanas.spaces import Architecture, Space

Objective = Callable[[Architecture, Hooks], tuple[float, dict[str, Any]]]  # -> value, larger is better; JSON to record


@contextmanager
def objective_of(task: SearchTask) -> Iterator[tuple[Objective, int]]:
    """Yield the objective of a study, and how many trials the engine runs at once.

    A training always starts from the same seed; its value is the accuracy on the validation split, in percent.

    Raises:
        UserError: the table has no such column, or is not one of this space; or the engine cannot be used.
    """
    settings, space = task.settings, task.space
    engine = replace(task.engine, workers=task.engine.workers or 1)
    if settings.objective == "table":
        path = typed_path(str(settings.table))
        _, column = read_column(path, str(settings.column), space)
        yield look_up(space, {arch.choices: value for arch, value in column.items()},
                      f"{path.name}, {settings.column}"), engine.workers or 1
        return
    work = BriefTraining(space, task.dataset, task.recipe, settings.epochs, task.seed, task.skeleton)
    with open_tasks(engine, work, task.folder, task.hooks, str(task.device)) as tasks:
        def ask(arch: Architecture, hooks: Hooks) -> tuple[float, dict[str, Any]]:
            found = tasks.do(space.format(arch), arch, hooks)
            return 100 * found["validation_accuracy"], found

        yield ask, tasks.at_once


def identity_of(task: SearchTask) -> Identity:
    """Return which architectures have the same value; in a table, two codes of one network were trained twice."""
    return (lambda arch: arch) if task.settings.objective == "table" else task.space.canonical


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
