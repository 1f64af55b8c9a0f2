"""The objective of a study, chosen by its settings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from dcanas.basics.checkpoints import load_weights
from dcanas.basics.errors import UserError
from dcanas.basics.files import read_json
from dcanas.proxies.columns import read_column
from dcanas.search.ask_tell.objectives import Objective, halving_rungs, inherit, look_up, train_briefly
from dcanas.search.elastic.inherited import inherited_accuracy
from dcanas.search.elastic.sandwich import make_supernet
from dcanas.search.proposers.new_members import Identity
from dcanas.search.task import SearchTask
from dcanas.spaces import Architecture


def make_objective(task: SearchTask) -> tuple[Objective, Identity]:
    """Return the objective of a study, and which architectures have the same value.

    Raises:
        UserError: the table or the supernet does not suit this run.
    """
    settings = task.settings
    if settings.objective == "table":
        path = Path(str(settings.table)).expanduser()
        column = read_column(path, str(settings.column), task.space)
        objective = look_up(task.space, {arch.choices: value for arch, value in column.items()},
                            f"{path.name}, {settings.column}")
        return objective, lambda arch: arch  # two codes of one network were trained twice
    if settings.objective == "inherited":
        return inherit(_with_supernet(task)), task.space.canonical
    objective = train_briefly(task.space, task.dataset, task.recipe, settings.epochs, task.seed,
                              skeleton=task.skeleton, rungs=halving_rungs(settings.epochs, settings.first_rung),
                              device=task.device)
    return objective, task.space.canonical


def _with_supernet(task: SearchTask) -> Callable[[Architecture], dict[str, Any]]:
    """Return the function that evaluates members with the weights of a finished search=elastic."""
    source = Path(str(task.settings.supernet)).expanduser() / "search"
    if not (source / "supernet.json").is_file():
        raise UserError(f"{source.parent} holds no trained supernet; name the directory of a finished run with "
                        "search=elastic in search.supernet.")
    made_with = read_json(source / "supernet.json")["made_with"]
    for group in ("space", "data"):
        if made_with[group] != task.run_settings[group]:
            raise UserError(f"The supernet in {source.parent} was trained with another {group}; search.supernet needs "
                            f"the same {group} as this run.")
    supernet = make_supernet(task.space, task.dataset, made_with["seed"], dict(task.skeleton), task.device)
    supernet.load_state_dict(load_weights(source / "supernet.pt"))
    return inherited_accuracy(supernet.eval(), task.dataset, task.settings.recalibration_images, task.seed, task.device)
