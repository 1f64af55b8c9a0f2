"""Further processes that work on a study (`run.workers`); each reads the run as JSON from its standard input."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from dcanas.basics.errors import Stopped, UserError
from dcanas.pipeline.context import Context, remote_context


@contextmanager
def study_workers(run: Context) -> Iterator[None]:
    """Enclose the work on a study by `run.workers` - 1 further processes, which are awaited at the end."""
    message = json.dumps(run.message(run.search_folder))
    started = []
    for _ in range(run.options.run.workers - 1):
        process = subprocess.Popen([sys.executable, "-m", __name__], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, text=True)
        assert process.stdin is not None
        process.stdin.write(message)
        process.stdin.close()
        process.stdin = None  # `communicate` would write to it
        started.append(process)
    try:
        yield
    finally:
        for process in started:
            if run.hooks.should_stop():
                process.terminate()
            errors = process.communicate()[1]
            if process.returncode not in (0, -15):
                run.hooks.message(f"  a worker ended early: {(errors.strip() or 'killed').splitlines()[-1]}")


def main() -> None:
    """Work on the study of the run whose `Context.message` is read from the standard input."""
    run = remote_context(json.load(sys.stdin))
    try:
        with suppress(Stopped):
            run.method.run(run.task())
    except UserError as error:
        sys.exit(f"dcanas: {error}")


if __name__ == "__main__":
    main()
