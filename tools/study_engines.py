"""Short trainings on processes and on a Dask cluster whose workers are killed: are results those of a serial run?

    python -m tools study_engines

Every run does the same tasks on four workers, two of which are killed by SIGKILL at random moments. Results are held
against those of this process alone, bit by bit; each task notes when it has finished, so that one that is done again
after that is counted.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import psutil
import torch

from dcanas.basics.errors import UserError
from dcanas.basics.fan_out.engine import Engine
from dcanas.basics.fan_out.fan_out import called, fan_out
from dcanas.basics.hooks import QUIET, Hooks
from tools.markdown import print_table

WORKERS = 4
Pids = Callable[[], list[int]]  # of the workers that are alive
COLUMNS = ("engine", "runs", "workers killed", "results unlike the serial ones", "tasks lost",
           "finished tasks done again", "seconds of a run")


def main(*, runs: int = 20, tasks: int = 16, kills: int = 2, seed: int = 0) -> None:
    """Print the table.

    Args:
        runs: on each engine
        tasks: of a run
        kills: of workers in each run
        seed: of the moments and the workers that are killed

    Raises:
        UserError: a result is another, a task is lost, or one that was finished was done again.
    """
    trainings = {f"training {number}": Training(number) for number in range(tasks)}
    serial = dict(fan_out(Engine(workers=1), called, trainings, Path(), QUIET, "trainings"))
    rows: list[list[Any]] = []
    with TemporaryDirectory() as folder, _dask() as (address, dask_pids):
        for name, engine, pids in (("local", Engine(workers=WORKERS), _processes_of_joblib),
                                   ("dask", Engine(f"dask:{address}", workers=WORKERS), dask_pids)):
            rng = random.Random(f"{seed} {name}")
            found = []
            for run in range(runs):
                found.append(_run(engine, pids, trainings, serial, Path(folder, name, str(run)), kills, rng))
                print(f"{name}, run {run + 1}: {found[-1]}", file=sys.stderr, flush=True)
            rows.append([name, runs, *(sum(column) for column in list(zip(*found, strict=True))[:4]),
                         f"{np.median([run[4] for run in found]):.1f}"])
    print_table(COLUMNS, rows)
    if any(sum(row[3:6]) for row in rows):
        raise UserError("killed workers changed what came out.")


def _run(engine: Engine, pids: Pids, trainings: dict[str, Training], serial: dict[str, Any], folder: Path, kills: int,
         rng: random.Random) -> tuple[int, int, int, int, float]:
    """Return how many were killed, other results, lost tasks and repeated ones, and the seconds."""
    (folder / "finished").mkdir(parents=True)
    noted = {name: partial(_noting, folder / "finished" / name, training) for name, training in trainings.items()}
    found: dict[str, Any] = {}
    # A moment is a number of results, of which so many have come, and a part of the time that one takes.
    moments = sorted(rng.uniform(0, len(noted) - 2 * WORKERS) for _ in range(kills))
    over, killed, begin = threading.Event(), [], time.monotonic()

    def kill() -> None:
        for moment in moments:
            while len(found) < int(moment) and not over.wait(0.005):
                pass
            if not over.wait(moment % 1 * 0.3) and (alive := _waited(pids, over)):
                victim = rng.choice(sorted(alive))
                with suppress(ProcessLookupError):
                    os.kill(victim, signal.SIGKILL)
                    killed.append(victim)

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        for name, result in fan_out(engine, called, noted, folder / "engine", QUIET, "trainings"):
            found[name] = result
    finally:
        over.set()
        thread.join()
    seconds = time.monotonic() - begin
    return (len(killed), sum(found.get(name, result) != result for name, result in serial.items()),
            sum(name not in found for name in serial),
            sum(len(path.read_text()) > 1 for path in (folder / "finished").iterdir()), seconds)


def _waited(pids: Pids, over: threading.Event) -> list[int]:
    """Return the workers as soon as some are alive; none if the run is over before."""
    while not (alive := pids()) and not over.wait(0.01):
        pass
    return alive


def _noting(note: Path, training: Training, hooks: Hooks, device: str) -> Any:
    """Return what a training does, and append to a file that it has finished."""
    found = training(hooks=hooks, device=device)
    with note.open("a") as file:
        file.write(".")
    return found


class Training:
    """Trains a small network on noise: what it ends with depends on every bit of every step, and on the number."""

    def __init__(self, number: int):
        self.number = number

    def __call__(self, hooks: Hooks, device: str) -> list[float]:
        generator = torch.Generator().manual_seed(self.number)
        images = torch.randn(64, 3, 16, 16, generator=generator)
        weights = [torch.randn(shape, generator=generator).mul_(0.1).requires_grad_()
                   for shape in ((16, 3, 3, 3), (16, 16, 3, 3))]
        for _ in range(30):
            found = images
            for weight in weights:
                found = torch.relu(torch.nn.functional.conv2d(found, weight, padding=1))
            loss = (found.mean((1, 2, 3)) - 1).square().mean()
            gradients = torch.autograd.grad(loss, weights)
            with torch.no_grad():
                for weight, gradient in zip(weights, gradients, strict=True):
                    weight -= 0.1 * gradient
        return [float(weight.detach().double().sum()) for weight in weights]


def _processes_of_joblib() -> list[int]:
    return [child.pid for child in psutil.Process().children() if "loky.backend.popen_loky" in " ".join(_words(child))
            and "resource_tracker" not in " ".join(_words(child))]


def _words(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.NoSuchProcess:
        return []


@contextmanager
def _dask() -> Iterator[tuple[str, Pids]]:
    """Start a cluster of Dask on this machine, which starts killed workers again."""
    from distributed import LocalCluster

    with LocalCluster(WORKERS, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
        def pids() -> list[int]:
            return [nanny.process.pid for nanny in cluster.workers.values()
                    if nanny.process is not None and nanny.process.pid is not None]

        yield cluster.scheduler_address, pids
