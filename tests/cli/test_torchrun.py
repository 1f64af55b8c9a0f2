"""`torchrun`: one process does the run and speaks, the others train with it; nobody waits for ever."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from dcanas.basics.files import read_json


def torchrun(*arguments: str, cwd) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m", "dcanas"]
    return subprocess.run([*command, *arguments], cwd=cwd, capture_output=True, text=True, timeout=240, check=False,
                          env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)})


@pytest.mark.slow
def test_two_processes_train_the_network_of_a_finished_search(finished, tiny, tmp_path):
    done = torchrun("train", f"source={finished}", "train.epochs=3", "run.threads=1", "run.progress=plain",
                    f"run.dir={tmp_path / 'run'}", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Run directory:") == 1  # one of them speaks
    assert done.stdout.count("test accuracy") == 1
    (trained,) = (tmp_path / "run").glob("derived/*/train.json")
    history = read_json(trained)["history"]
    assert [row["epoch"] for row in history] == [1, 2, 3]
    assert history[2]["loss"] < history[0]["loss"]


@pytest.mark.slow
def test_what_is_wrong_is_said_once_and_ends_all(tmp_path):
    done = torchrun("run", "budget.parms=1", cwd=tmp_path)
    assert done.returncode != 0
    assert done.stderr.count("dcanas: Unknown cost 'parms'; did you mean 'params'?") == 1
    assert not any(path.name != "logs" for path in tmp_path.iterdir())
