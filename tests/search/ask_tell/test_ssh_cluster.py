"""A study on a Dask cluster over SSH: all results, none twice, whatever is killed."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from grid_space import GRID
from grid_study import Trial, study_worker
from loopback import Loopback
from ssh_cluster import ssh_cluster

from dcanas.basics.fan_out.engine import Engine
from dcanas.basics.fan_out.tasks import open_tasks
from dcanas.basics.hooks import QUIET
from dcanas.search.ask_tell.claims import worker_name
from dcanas.search.ask_tell.together import work_together
from dcanas.search.ask_tell.worker import summary

pytest.importorskip("distributed")
pytestmark = pytest.mark.slow


@pytest.mark.parametrize("trials", [10, pytest.param(40, marks=pytest.mark.thorough)])
def test_workers_are_killed_and_the_scheduler_is_killed_and_comes_again(
        board: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trials: int) -> None:
    counts, rng = tmp_path / "counts", np.random.default_rng(trials)
    counts.mkdir()
    with ssh_cluster(board, tmp_path, 4, monkeypatch) as cluster:
        def worker() -> None:
            cluster.workers.pop().kill()  # the newest, which is at work

        def scheduler() -> None:
            cluster.scheduler.kill()
            cluster.start_scheduler()
            for _ in range(2):
                cluster.add_worker()

        moments = sorted(rng.choice(np.arange(1, trials - 4), 3, replace=False))  # trials that have been done before
        killed: list[str] = []

        def kill() -> None:
            for moment, victim in zip(moments, (worker, scheduler, worker), strict=True):
                while len(list(counts.iterdir())) < moment:
                    if over.wait(0.02):
                        return
                victim()
                killed.append(victim.__name__)

        over, killer = threading.Event(), threading.Thread(target=kill)
        engine = Engine(f"dask:{cluster.address}", workers=4)
        with open_tasks(engine, Trial(counts, 0.4), tmp_path / "engine", QUIET) as tasks:
            killer.start()
            at_work = study_worker(tmp_path, lambda arch, hooks: (tasks.do(GRID.format(arch), arch, hooks), {}), trials)
            work_together(lambda: replace(at_work, name=worker_name()), tasks.at_once)
        over.set()
        killer.join()
    assert killed == ["worker", "scheduler", "worker"]
    found = summary(at_work.study, at_work.parameters)
    assert found["count"] == {"complete": trials}
    assert len({row["architecture"] for row in found["trials"]}) == trials
    assert [len(path.read_text()) for path in counts.iterdir()] == [1] * trials  # none was done twice
