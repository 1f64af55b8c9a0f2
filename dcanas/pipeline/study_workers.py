"""Further processes that work on a study (`run.workers`); each reads the run as JSON from its standard input."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from dcanas.basics.errors import Stopped, UserError
from dcanas.basics.hooks import Hooks
from dcanas.pipeline.context import Context, remote_context


@contextmanager
def study_workers(run: Context) -> Iterator[None]:
    """Enclose the work on a study by `run.workers` - 1 further processes, which are awaited at the end."""
    message = json.dumps(run.message(run.search_folder))
    started = []
    for _ in range((run.options.run.workers or 1) - 1):
        process = subprocess.Popen([sys.executable, "-m", __name__], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, text=True)
        assert process.stdin is not None
        process.stdin.write(message)
        process.stdin.close()
        process.stdin = None  # `communicate` would write to it
        started.append(process)
    done = False
    try:
        yield
        done = True
    finally:
        for process in started:
            if not done or run.hooks.should_stop():
                process.terminate()
        for process in started:
            errors = process.communicate()[1]
            if process.returncode not in (0, -15):
                run.hooks.message(f"  a worker ended early: {(errors.strip() or 'killed').splitlines()[-1]}")


class StopsOnSignal(Hooks):
    """Hooks of a worker: SIGTERM, SIGHUP and Ctrl-C stop it after its current step, the second one at once."""

    def __init__(self) -> None:
        self._asked = False
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._ask)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self._asked:
            raise KeyboardInterrupt
        self._asked = True

    def should_stop(self) -> bool:
        return self._asked


def main() -> None:
    """Work on the study of the run whose `Context.message` is read from the standard input."""
    hooks = StopsOnSignal()
    run = remote_context(json.load(sys.stdin), hooks)
    try:
        with suppress(Stopped, KeyboardInterrupt):
            run.method.run(run.task())
    except UserError as error:
        sys.exit(f"dcanas: {error}")


if __name__ == "__main__":
    main()
