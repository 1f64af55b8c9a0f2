"""One map over independent tasks, in this process, on processes of this machine or on the workers of a cluster."""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dcanas.basics.errors import Stopped, UserError
from dcanas.basics.fan_out.engine import Engine
from dcanas.basics.fan_out.task import STOP, Call, Work, message_of, write_work
from dcanas.basics.hooks import Hooks, Part
from dcanas.basics.machine import torch_state

WORTH_S = 3.0  # of tasks in this process before others are started
POLL_S = 0.2  # between two looks at whether the user wants to stop


def fan_out(engine: Engine, work: Work, items: Mapping[str, Any], folder: Path, hooks: Hooks, note: str,
            device: str = "cpu", done: int = 0, total: int | None = None,
            short: bool = False) -> Iterator[tuple[str, Any]]:
    """Yield (name, result) of every task as it is done, in any order; results do not depend on the engine.

    Args:
        work: called as `work(item, hooks, device)`; it, the items and the results can be pickled, and the results are
            JSON types. What all tasks need belongs to `work`: it is sent once to every worker.
        items: of the tasks, by name. A caller that stores results leaves out those that it has.
        folder: in which the engine keeps its files meanwhile; shared by all workers.
        hooks: receive the progress; asked whether to stop.
        note: what the tasks are, for the progress, such as "fine-tunings".
        device: of torch, for tasks in this process.
        done, total: tasks before these, and of all, for the progress; None: no others.
        short: the tasks may take less than processes take to start, so they are done here for `WORTH_S` seconds first.

    Raises:
        UserError: a task raised it, after the others were done, or its workers ended `ATTEMPTS` times.
        Stopped: the hooks asked to stop.
    """
    total = total or done + len(items)
    left = dict(items)
    alone = engine.address is None and engine.at_once(len(items)) == 1
    end = time.monotonic() + (WORTH_S if short and engine.address is None else 0)
    for name, item in items.items():
        if not alone and time.monotonic() >= end:
            break
        if hooks.should_stop():
            raise Stopped(f"stopped after {done} of {total} {note}")
        with torch_state(engine.threads):
            result = work(item, Part(hooks, done, total, note), device)
        del left[name]
        done += 1
        hooks.progress(done, total, note)
        yield name, result
    for name, result in _elsewhere(engine, work, left, folder, hooks) if left else ():
        done += 1
        hooks.progress(done, total, note)
        yield name, result


def called(item: Callable[..., Any], hooks: Hooks, device: str) -> Any:
    """Call an item that takes `hooks` and `device`: the work if the items are functions."""
    return item(hooks=hooks, device=device)


def _elsewhere(engine: Engine, work: Work, items: Mapping[str, Any], folder: Path,
               hooks: Hooks) -> Iterator[tuple[str, Any]]:
    names = list(items)
    failed: str | None = None
    stopped: str | None = None
    folder.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(prefix="tasks-", dir=folder))
    try:
        sha256 = write_work(place, work, list(items.values()))
        calls = [Call(str(place), number, sha256, engine.threads, engine.gpus) for number in range(len(names))]
        with _watched(hooks, place / STOP):
            for number, outcome in _outcomes(engine, calls, hooks):
                if "result" in outcome:
                    for text in outcome["messages"]:
                        hooks.message(text)
                    yield names[number], outcome["result"]
                elif "stopped" in outcome:
                    stopped = stopped or outcome["stopped"]
                else:
                    failed = failed or message_of(outcome, names[number])
    finally:
        shutil.rmtree(place, ignore_errors=True)
    if stopped is not None:
        raise Stopped(stopped)
    if failed is not None:
        raise UserError(failed)


def _outcomes(engine: Engine, calls: Sequence[Call], hooks: Hooks) -> Iterator[tuple[int, dict[str, Any]]]:
    if engine.address is not None:
        from dcanas.basics.fan_out.on_dask import run_on_dask  # here: Dask is an extra

        return run_on_dask(engine, calls, hooks.message)
    from dcanas.basics.fan_out.local import run_local  # here: it takes a quarter of a second to import

    return run_local(calls, engine.at_once(len(calls)), hooks.message)


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
