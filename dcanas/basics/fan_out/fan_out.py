"""One map over independent tasks, in this process, on processes of this machine or on the workers of a cluster."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dcanas.basics.errors import Stopped, UserError
from dcanas.basics.fan_out.engine import Engine
from dcanas.basics.fan_out.task import Work
from dcanas.basics.fan_out.tasks import Tasks, TasksHere, open_tasks
from dcanas.basics.hooks import Hooks, Part

WORTH_S = 3.0  # of tasks in this process before others are started


def fan_out(engine: Engine, work: Work, items: Mapping[str, Any], folder: Path, hooks: Hooks, note: str,
            device: str = "cpu", done: int = 0, total: int | None = None,
            short: bool = False) -> Iterator[tuple[str, Any]]:
    """Yield (name, result) of every task as it is done, in any order; results do not depend on the engine.

    Args:
        work, folder, device: see `open_tasks`.
        items: of the tasks, by name. A caller that stores results leaves out those that it has.
        hooks: receive the progress; asked whether to stop.
        note: what the tasks are, for the progress, such as "fine-tunings".
        done, total: tasks before these, and of all, for the progress; None: no others.
        short: the tasks may take less than processes take to start, so they are done here for `WORTH_S` seconds first.

    Raises:
        UserError: a task raised it, or ended its workers `ATTEMPTS` times; the others were done before.
        Stopped: the hooks asked to stop.
    """
    total = total or done + len(items)
    left = dict(items)
    here = TasksHere(work, engine.threads, device)
    alone = engine.address is None and engine.at_once(len(items)) == 1
    end = time.monotonic() + (WORTH_S if short and engine.address is None else 0)
    for name, item in items.items():
        if not alone and time.monotonic() >= end:
            break
        if hooks.should_stop():
            raise Stopped(f"stopped after {done} of {total} {note}")
        result = here.do(name, item, Part(hooks, done, total, note))
        del left[name]
        done += 1
        hooks.progress(done, total, note)
        yield name, result
    if not left:
        return
    names = list(left)
    with open_tasks(engine, _Listed(work, tuple(left.values())), folder, hooks, device, len(left)) as tasks:
        for number, result in _done(tasks, names, hooks):
            done += 1
            hooks.progress(done, total, note)
            yield names[number], result


def called(item: Callable[..., Any], hooks: Hooks, device: str) -> Any:
    """Call an item that takes `hooks` and `device`: the work if the items are functions."""
    return item(hooks=hooks, device=device)


@dataclass(frozen=True)
class _Listed:
    """A work and all its items, which are sent together: what they share is sent once."""

    work: Work
    items: tuple[Any, ...]

    def __call__(self, number: int, hooks: Hooks, device: str) -> Any:
        return self.work(self.items[number], hooks, device)


def _done(tasks: Tasks, names: list[str], hooks: Hooks) -> Iterator[tuple[int, Any]]:
    """Yield number and result of every task; the first error is raised when all others are done."""
    first: UserError | Stopped | None = None
    threads = ThreadPoolExecutor(tasks.at_once)
    futures = {threads.submit(tasks.do, name, number, hooks): number for number, name in enumerate(names)}
    try:
        for future in as_completed(futures):
            try:
                result = future.result()
            except (UserError, Stopped) as error:
                first = first or error
                continue
            yield futures[future], result
    except BaseException:
        tasks.stop()
        raise
    finally:
        threads.shutdown(cancel_futures=True)
    if first is not None:
        raise first
