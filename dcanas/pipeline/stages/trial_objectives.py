"""What a trial of a run's study does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from dcanas.basics.checkpoints import load_weights
from dcanas.basics.errors import UserError
from dcanas.basics.keys import plain
from dcanas.cli.configure import stored_settings
from dcanas.pipeline.session import Session
from dcanas.proxies.columns import read_column
from dcanas.search.ask_tell.objectives import Inherited, Objective, ShortTraining, TableLookUp, rungs
from dcanas.search.ask_tell.study_settings import StudySettings
from dcanas.search.elastic.inherited import inherited_accuracy
from dcanas.search.elastic.sandwich import make_supernet
from dcanas.spaces import Architecture


def make_objective(session: Session, settings: StudySettings) -> Objective:
    """Return the function of one trial; raises `UserError` where table or supernet are not those of this run."""
    if settings.objective == "table":
        path = Path(str(settings.table)).expanduser()
        column = read_column(path, str(settings.column), session.space)
        return TableLookUp(session.space, {arch.choices: value for arch, value in column.items()},
                           f"{path.name}, {settings.column}")
    if settings.objective == "inherited":
        return Inherited(session.space, _judge(session, settings))
    return ShortTraining(session.space, session.dataset, session.settings.train, settings.epochs, session.settings.seed,
                         session.skeleton, rungs(settings.epochs, settings.first_rung), session.compute,
                         session.interrupts.should_stop)


def _judge(session: Session, settings: StudySettings) -> Callable[[Architecture], dict[str, Any]]:
    """Return what a finished search=elastic says of members with its weights."""
    source = Path(str(settings.supernet)).expanduser()
    stored = stored_settings(source)
    if stored["search"]["name"] != "elastic" or not (source / "search" / "supernet.pt").is_file():
        raise UserError(f"{source} holds no trained supernet; name the directory of a finished run with search=elastic "
                        "in search.supernet.")
    for group in ("space", "data"):
        if stored[group] != plain(getattr(session.settings, group)):
            raise UserError(f"The supernet in {source} was trained with another {group}; search.supernet needs the "
                            f"same {group} as this run.")
    supernet = make_supernet(session.space, session.dataset, stored["seed"], session.skeleton, session.compute)
    supernet.load_state_dict(load_weights(source / "search" / "supernet.pt"))
    return inherited_accuracy(supernet.eval(), session.dataset, settings.recalibration_images, session.settings.seed,
                              session.compute)
