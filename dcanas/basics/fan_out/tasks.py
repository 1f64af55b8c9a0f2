"""Workers that are ready for the tasks of one work, on any engine."""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, Protocol

from dcanas.basics.errors import Stopped, UserError
from dcanas.basics.fan_out.engine import Engine
from dcanas.basics.fan_out.task import STOP, Call, Work, write_work
from dcanas.basics.hooks import Hooks
from dcanas.basics.machine import torch_state

POLL_S = 0.2  # between two looks at whether the user wants to stop


class Doing(Protocol):
    """Workers of an engine: `do` returns the outcome of a task (see `perform`), and may be called by many threads."""

    at_once: int

    def do(self, call: Call) -> dict[str, Any]: ...

    def close(self) -> None: ...


class Tasks:
    """A work, and the workers that do it.

    Attributes:
        at_once: how many tasks are worth asking for at the same time.
    """

    at_once = 1

    def do(self, name: str, item: Any, hooks: Hooks) -> Any:
        """Return the result of the work for an item; several threads may call this if `at_once` is more than 1.

        Args:
            name: of the task, for messages.
            hooks: receive messages of the task, and its progress if it runs in this process.

        Raises:
            UserError: the task raised it, or it has ended its workers `ATTEMPTS` times.
            Stopped: it was asked to stop.
        """
        raise NotImplementedError

    def stop(self) -> None:
        """Ask all tasks to stop at their next step."""


class TasksHere(Tasks):
    """Tasks in this process, one after the other; device: of torch."""

    def __init__(self, work: Work, threads: int, device: str):
        self._work, self._threads, self._device = work, threads, device

    def do(self, name: str, item: Any, hooks: Hooks) -> Any:
        with torch_state(self._threads):
            return self._work(item, hooks, self._device)


class TasksElsewhere(Tasks):
    """Tasks in other processes, with which this one shares a folder; it has written the work there."""

    def __init__(self, engine: Engine, workers: Doing, folder: Path, sha256: str):
        self._engine, self._workers, self._folder, self._sha256 = engine, workers, folder, sha256
        self._numbers = count()
        self.at_once = workers.at_once

    def do(self, name: str, item: Any, hooks: Hooks) -> Any:
        gpus = self._engine.gpus if self._engine.address is None else min(1, self._engine.gpus)
        call = Call(str(self._folder), next(self._numbers), item, self._sha256, self._engine.threads, gpus)
        outcome = self._workers.do(call)
        if "lost" in outcome:
            raise UserError(f"{name}: the process that works on it has ended {outcome['lost']} times, as when memory "
                            "runs out; free some, or use fewer run.workers.")
        if "error" in outcome:
            raise UserError(outcome["error"])
        if "stopped" in outcome:
            raise Stopped(outcome["stopped"])
        for text in outcome["messages"]:
            hooks.message(text)
        return outcome["result"]

    def stop(self) -> None:
        (self._folder / STOP).touch()


@contextmanager
def open_tasks(engine: Engine, work: Work, folder: Path, hooks: Hooks, device: str = "cpu",
               most: int = 1_000_000) -> Iterator[Tasks]:
    """Yield workers for a work; a request to stop, of which the hooks know, reaches all of them.

    Args:
        work: called as `work(item, hooks, device)` wherever the engine says; it, the items and the results can be
            pickled, and the results are JSON types. What all tasks need belongs to it: it is sent once to every worker.
        folder: in which the engine keeps its files meanwhile; shared by all workers.
        device: of torch, for tasks in this process.
        most: no more tasks than these are done at once.

    Raises:
        UserError: the engine cannot be used.
    """
    if engine.address is None and engine.at_once(most) == 1:
        yield TasksHere(work, engine.threads, device)
        return
    folder.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(prefix="tasks-", dir=folder))
    try:
        sha256 = write_work(place, work)
        workers = _workers(engine, place, most, hooks)
        try:
            with _watched(hooks, place / STOP):
                yield TasksElsewhere(engine, workers, place, sha256)
        finally:
            workers.close()
    finally:
        shutil.rmtree(place, ignore_errors=True)


def require_engine(engine: Engine) -> None:
    """Raise `UserError` if an engine cannot be used, before there is any work for it."""
    if engine.address is not None:
        from dcanas.basics.fan_out.on_dask import check_cluster  # here: Dask is an extra

        check_cluster(engine)


def _workers(engine: Engine, folder: Path, most: int, hooks: Hooks) -> Doing:
    if engine.address is not None:
        from dcanas.basics.fan_out.on_dask import DaskTasks  # here: Dask is an extra

        return DaskTasks(engine, folder, most, hooks.message)
    from dcanas.basics.fan_out.local import LocalTasks  # here: it takes a quarter of a second to import

    return LocalTasks(engine.at_once(most), engine.threads, hooks.message)


@contextmanager
def _watched(hooks: Hooks, stop: Path) -> Iterator[None]:
    """Enclose work in other processes; a request to stop becomes the file that they look for."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(POLL_S):
            if hooks.should_stop():
                stop.touch()
                return

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
