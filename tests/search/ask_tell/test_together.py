"""A study whose trials run on an engine: all results, none twice, whatever is killed."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from dask_cluster import cluster, scheduler
from dask_cluster import worker as dask_worker
from grid_space import GRID, VALUE
from grid_study import Trial, study_worker

from dcanas.basics.errors import Stopped
from dcanas.basics.fan_out.engine import Engine
from dcanas.basics.fan_out.tasks import open_tasks
from dcanas.basics.hooks import QUIET, Hooks
from dcanas.search.ask_tell.claims import worker_name
from dcanas.search.ask_tell.objectives import look_up
from dcanas.search.ask_tell.together import work_together
from dcanas.search.ask_tell.worker import Worker, summary


def test_threads_share_a_study(tmp_path: Path) -> None:
    at_work = study_worker(tmp_path, look_up(GRID, VALUE, "the grid"), 12)
    names: set[str] = set()

    def make() -> Worker:
        names.add(worker_name())
        return replace(at_work, name=worker_name())

    work_together(make, 3)
    found = summary(at_work.study, at_work.parameters)
    assert found["count"] == {"complete": 12}
    assert len({row["architecture"] for row in found["trials"]}) == 12
    assert len(names) == 3
    assert {row["worker"] for row in found["trials"]} <= names


def test_an_error_of_one_worker_is_raised_at_the_end(tmp_path: Path) -> None:
    class Stopping(Hooks):
        def should_stop(self) -> bool:
            return True

    at_work = study_worker(tmp_path, look_up(GRID, VALUE, "the grid"), 12, Stopping())
    with pytest.raises(Stopped, match="stopped between two trials"):
        work_together(lambda: replace(at_work, name=worker_name()), 2)


@pytest.mark.slow
@pytest.mark.thorough
def test_forty_trials_while_workers_and_the_scheduler_are_killed(tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    (tmp_path / "counts").mkdir()
    over = threading.Event()
    with cluster(4) as (port, started):
        def kill() -> None:
            rng = np.random.default_rng(0)
            for victim in ("worker", "worker", "scheduler"):
                if over.wait(float(rng.uniform(1, 3))):
                    return
                process = started[0] if victim == "scheduler" else started.pop()
                with suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGKILL)
                process.wait()
                if victim == "scheduler":
                    started[0] = scheduler(port)
                    started.extend(dask_worker(port) for _ in range(2))

        engine = Engine(f"dask:tcp://127.0.0.1:{port}", workers=4)
        with open_tasks(engine, Trial(tmp_path / "counts", 0.4), tmp_path / "engine", QUIET) as tasks:
            threading.Thread(target=kill, daemon=True).start()
            at_work = study_worker(tmp_path, lambda arch, hooks: (tasks.do(GRID.format(arch), arch, hooks), {}), 40)
            work_together(lambda: replace(at_work, name=worker_name()), tasks.at_once)
        over.set()
    found = summary(at_work.study, at_work.parameters)
    assert found["count"] == {"complete": 40}
    assert len({row["architecture"] for row in found["trials"]}) == 40
    assert {len(path.read_text()) for path in (tmp_path / "counts").iterdir()} == {1}  # none was done twice
