"""A study of the grid, and its trials as tasks."""

from __future__ import annotations

import time
from pathlib import Path

from grid_space import candidates, worth

from dcanas.basics.hooks import QUIET, Hooks
from dcanas.search.ask_tell.claims import Claims, worker_name
from dcanas.search.ask_tell.storage import open_engine, open_study, sqlite_url
from dcanas.search.ask_tell.study_settings import SamplerSettings
from dcanas.search.ask_tell.untold import Untold
from dcanas.search.ask_tell.worker import Worker


class Trial:
    """The value of a grid's member after a while; a file counts the calls."""

    def __init__(self, counts: Path, seconds: float):
        self.counts, self.seconds = counts, seconds

    def __call__(self, arch, hooks, device):
        time.sleep(self.seconds)
        with (self.counts / "-".join(map(str, arch.choices))).open("a") as file:
            file.write(".")
        return worth(arch)


def study_worker(folder: Path, objective, evaluations: int, hooks: Hooks = QUIET) -> Worker:
    engine = open_engine(sqlite_url(folder / "study.db"))
    opened = open_study(engine, "grid", {"evaluations": evaluations}, ["maximize"])
    return Worker(opened, Claims(engine, "grid"), candidates(SamplerSettings("random", (), evaluations)),
                  objective, 0, untold=Untold(folder / "untold", "grid"), hooks=hooks, name=worker_name())
