"""Tasks on processes of this machine."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from joblib.externals.loky import get_reusable_executor
from joblib.externals.loky.process_executor import BrokenProcessPool, ShutdownExecutorError

from dcanas.basics.fan_out.task import Call, attempts_of, perform

IDLE_S = 60  # after which a process that has no task ends

warnings.filterwarnings("ignore", "A worker stopped while some jobs were given", UserWarning)  # it was idle


class LocalTasks:
    """Processes of joblib that do tasks; several threads may ask at the same time.

    All processes end if one is killed. A task that was being worked on then is begun again, and no two such tasks run
    at the same time, so that none is blamed for another.

    Args:
        at_once: number of processes.
        threads: of each, for libraries that read it when they are loaded.
        say: is told that a process has ended.
    """

    def __init__(self, at_once: int, threads: int, say: Callable[[str], None]):
        self.at_once, self._say = at_once, say
        self._threads = str(threads)
        self._alone, self._starting = threading.Lock(), threading.Lock()

    def do(self, call: Call) -> dict[str, Any]:
        """Return the outcome of a task (see `perform`)."""
        while True:
            with self._alone if attempts_of(Path(call.folder), call.number) else nullcontext():
                try:
                    with self._starting:
                        future = get_reusable_executor(self.at_once, timeout=IDLE_S, reuse=True,
                                                       env={"OMP_NUM_THREADS": self._threads}).submit(perform, call)
                    outcome: dict[str, Any] = future.result()
                    return outcome
                except (BrokenProcessPool, ShutdownExecutorError):
                    self._say("  A process that worked on a task has ended; what it had begun is begun again.")

    def close(self) -> None:
        """Let the processes end when they are idle; a later map finds them still there."""
