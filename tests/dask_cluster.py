"""A Dask scheduler and workers as processes of this machine, which tests may kill."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def begin(*words: str, **environment: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment})


def scheduler(port: int) -> subprocess.Popen[bytes]:
    return begin("distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard")


def worker(port: int, *more: str, **environment: str) -> subprocess.Popen[bytes]:
    return begin("distributed.cli.dask_worker", f"tcp://127.0.0.1:{port}", "--nthreads", "1", "--no-dashboard",
                 "--death-timeout", "60", *more, **environment)


def wait_for(address: str, workers: int) -> None:
    """Wait until a scheduler answers and has so many workers: on a busy machine they take long to start."""
    from distributed import Client

    with Client(address, timeout=120, set_as_default=False) as client:
        if workers:
            client.wait_for_workers(workers, timeout=600)


@contextmanager
def cluster(workers: int) -> Iterator[tuple[int, list[subprocess.Popen[bytes]]]]:
    port = free_port()
    started = [scheduler(port), *(worker(port) for _ in range(workers))]
    try:
        wait_for(f"tcp://127.0.0.1:{port}", workers)
        yield port, started
    finally:
        for process in started:
            process.kill()
            process.wait()
