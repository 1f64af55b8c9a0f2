"""Several workers of one process on a study: each is a thread that proposes, asks the engine, and reports."""

from __future__ import annotations

import threading
from collections.abc import Callable

from dcanas.basics.errors import Stopped
from dcanas.search.ask_tell.worker import Worker


def work_together(make: Callable[[], Worker], count: int) -> None:
    """Let so many workers work until the study has all its trials; the first error of one is raised at the end.

    Args:
        make: returns a worker, called in the worker's own thread.
    """
    errors: list[BaseException] = []

    def work() -> None:
        try:
            make().run()
        except BaseException as error:  # raised below, in the thread of the caller
            errors.append(error)

    threads = [threading.Thread(target=work, name=f"worker {number}") for number in range(1, count)]
    for thread in threads:
        thread.start()
    work()
    for thread in threads:
        thread.join()
    if errors:
        raise next((error for error in errors if not isinstance(error, Stopped)), errors[0])
