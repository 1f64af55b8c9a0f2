"""Tasks on a Dask scheduler of this machine: equal to a serial run, whatever ends in between."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from dask_cluster import cluster, free_port, scheduler, wait_for, worker
from meets import Meets

from dcanas.basics.errors import UserError
from dcanas.basics.fan_out.engine import Engine
from dcanas.basics.fan_out.fan_out import fan_out
from dcanas.basics.hooks import QUIET, Hooks

pytest.importorskip("distributed")
pytestmark = pytest.mark.slow


class Slow:
    """Squares after a while, and notes in a file that it did."""

    def __init__(self, counts: Path):
        self.counts = counts

    def __call__(self, item: int, hooks: Hooks, device: str) -> int:
        time.sleep(0.3)
        with (self.counts / str(item)).open("a") as file:
            file.write(".")
        return item * item


def test_killed_workers_and_a_scheduler_that_comes_again(tmp_path: Path) -> None:
    items = {f"task {i}": i for i in range(24)}
    (tmp_path / "counts").mkdir()
    found: dict[str, int] = {}
    with cluster(3) as (port, started):
        engine = Engine(f"dask:tcp://127.0.0.1:{port}")
        for name, result in fan_out(engine, Slow(tmp_path / "counts"), items, tmp_path / "engine", QUIET, "squares"):
            found[name] = result
            if len(found) == 3:
                os.kill(started[1].pid, signal.SIGKILL)
            if len(found) == 8:
                os.kill(started[0].pid, signal.SIGKILL)
                started[0].wait()
                started += [scheduler(port), worker(port), worker(port)]
    assert found == {name: item * item for name, item in items.items()}
    done = [len((tmp_path / "counts" / str(item)).read_text()) for item in items.values()]
    assert done == [1] * 24  # what was finished was not done again


def test_what_cannot_be_used_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(name: str) -> None:
        list(fan_out(Engine(name), Slow(tmp_path), {"one": 1}, tmp_path / "engine", QUIET, "squares"))

    monkeypatch.setattr("dcanas.basics.fan_out.on_dask.CONNECT_S", 1.0)
    with pytest.raises(UserError, match=r"Nobody answers at tcp://127\.0\.0\.1:\d+ \(run\.engine\): start `dask sch"):
        asked(f"dask:tcp://127.0.0.1:{free_port()}")
    monkeypatch.setattr("dcanas.basics.fan_out.on_dask.CONNECT_S", 5.0)
    with cluster(0) as (port, _), pytest.raises(UserError, match=r"has no workers; start `dask worker tcp://127"):
        asked(f"dask:tcp://127.0.0.1:{port}")
    monkeypatch.setattr("dcanas.basics.fan_out.on_dask.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r'needs Dask: pip install "dcanas\[dask\]"'):
        asked("dask:tcp://127.0.0.1:1")


@pytest.mark.parametrize("gpus", [2, pytest.param(8, marks=pytest.mark.thorough)])
def test_every_gpu_of_a_node_is_that_of_one_worker(tmp_path: Path, gpus: int) -> None:
    """Workers as docs/clusters.md starts them: each sees one GPU, which is the first of those that it sees."""
    items = {f"task {i}": i for i in range(gpus)}
    with cluster(0) as (port, started):
        started += [worker(port, "--resources", "GPU=1", CUDA_VISIBLE_DEVICES=str(i)) for i in range(gpus)]
        wait_for(f"tcp://127.0.0.1:{port}", gpus)
        engine = Engine(f"dask:tcp://127.0.0.1:{port}", gpus=8)
        found = dict(fan_out(engine, Meets(tmp_path, gpus), items, tmp_path / "engine", QUIET, "tasks"))
    assert sorted(found.values()) == [["cuda:0", str(i)] for i in range(gpus)]


def test_gpus_asked_for_where_none_are(tmp_path: Path) -> None:
    with cluster(1) as (port, _), pytest.raises(UserError, match=r"No worker of .* offers a GPU: .*run\.compute=cpu"):
        list(fan_out(Engine(f"dask:tcp://127.0.0.1:{port}", gpus=1), Slow(tmp_path), {"one": 1}, tmp_path / "engine",
                     QUIET, "squares"))


def test_workers_of_another_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every package is held against the coordinator's; here Python's own version is another one."""
    monkeypatch.setattr("dcanas.basics.fan_out.on_dask.platform.python_version", lambda: "3.9.1")
    with cluster(1) as (port, _), pytest.raises(UserError, match=r"The worker tcp://127\S+ has Python 3\.\d+\.\d+ and "
                                                                 r"this process 3\.9\.1: install the same version"):
        list(fan_out(Engine(f"dask:tcp://127.0.0.1:{port}"), Slow(tmp_path), {"one": 1}, tmp_path / "engine", QUIET,
                     "squares"))
