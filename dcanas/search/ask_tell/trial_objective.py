"""What a trial of a study does, as its settings say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from dcanas.basics.checkpoints import load_weights
from dcanas.basics.errors import UserError
from dcanas.basics.files import read_json
from dcanas.proxies.columns import read_column
from dcanas.search.ask_tell.objectives import Inherited, Objective, ShortTraining, TableLookUp, rungs
from dcanas.search.elastic.inherited import inherited_accuracy
from dcanas.search.elastic.sandwich import make_supernet
from dcanas.search.task import SearchTask
from dcanas.spaces import Architecture


def make_objective(task: SearchTask) -> Objective:
    """Return the function of one trial; raises `UserError` if table or supernet are not those of this run."""
    settings = task.settings
    if settings.objective == "table":
        path = Path(str(settings.table)).expanduser()
        column = read_column(path, str(settings.column), task.space)
        return TableLookUp(task.space, {arch.choices: value for arch, value in column.items()},
                           f"{path.name}, {settings.column}")
    if settings.objective == "inherited":
        return Inherited(task.space, _with_supernet(task))
    return ShortTraining(task.space, task.dataset, task.recipe, settings.epochs, task.seed, skeleton=task.skeleton,
                         rungs=rungs(settings.epochs, settings.first_rung), device=task.device)


def _with_supernet(task: SearchTask) -> Callable[[Architecture], dict[str, Any]]:
    """Return what a finished search=elastic says of members with its weights."""
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
