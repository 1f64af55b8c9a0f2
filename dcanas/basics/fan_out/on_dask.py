"""Tasks on the workers of a Dask scheduler (extra `dask`)."""

from __future__ import annotations

import asyncio
import os
import platform
import threading
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dcanas.basics.errors import UserError
from dcanas.basics.fan_out.engine import Engine
from dcanas.basics.fan_out.task import PAYLOAD, Call, perform
from dcanas.basics.version import __version__

if TYPE_CHECKING:
    from distributed import Client

CONNECT_S = 10.0  # until an address at which nobody answers is given up
MOST = 256  # tasks that are given to the scheduler at the same time
SAME = ("torch", "numpy", "joblib")  # packages, beside dcanas and Python, of which all workers have one version


class DaskTasks:
    """Workers of a Dask scheduler; several threads may ask at the same time.

    If the scheduler goes away, what has no outcome is given to it again as soon as one answers at its address.

    Args:
        folder: shared with the workers; the work lies there.
        most: no more tasks than these are given at the same time.
        say: is told what the coordinator waits for.

    Raises:
        UserError: Dask is not installed, nobody answers, or the workers are other versions or do not see the folder.
    """

    def __init__(self, engine: Engine, folder: Path, most: int, say: Callable[[str], None]):
        self._engine, self._folder, self._say = engine, folder, say
        self._lock = threading.Lock()
        self._client: Client | None = None
        self._client = self._connected(CONNECT_S)
        self.at_once = min(most, engine.workers or MOST)

    def do(self, call: Call) -> dict[str, Any]:
        """Return the outcome of a task (see `perform`); one that has ended as many workers as Dask allows is lost."""
        from distributed import KilledWorker
        from distributed.client import FutureCancelledError

        resources = {"resources": {"GPU": 1}} if call.gpus else {}
        while True:
            client = self._client
            try:
                if client is None:
                    raise OSError("the scheduler is away")
                future = client.submit(perform, call, pure=False, retries=0, **resources)
                outcome: dict[str, Any] = future.result()
                return outcome
            except KilledWorker:
                return {"lost": 1 + int(_setting("distributed.scheduler.allowed-failures"))}
            except (OSError, asyncio.CancelledError, FutureCancelledError):
                self._renew(client)

    def close(self) -> None:
        """Leave the scheduler."""
        if self._client is not None:
            self._client.close(timeout=2)  # type: ignore[no-untyped-call]

    def _renew(self, gone: Client | None) -> None:
        """Connect again, unless another thread has done so since."""
        with self._lock:
            if self._client is not gone:
                return
            self._say(f"  The scheduler at {self._engine.address} has gone away; waiting "
                      f"{self._engine.patience_s:.0f} s for it.")
            if gone is not None:
                gone.close(timeout=2)  # type: ignore[no-untyped-call]
            self._client = None
            self._client = self._connected(self._engine.patience_s)

    def _connected(self, patience_s: float) -> Client:
        client = _connect(self._engine, patience_s)
        try:
            _check_workers(client, self._engine, self._folder, max(patience_s, CONNECT_S))
        except UserError:
            client.close(timeout=2)  # type: ignore[no-untyped-call]
            raise
        return client


def check_cluster(engine: Engine) -> None:
    """Raise `UserError` if Dask is not installed, nobody answers, or the workers are not what the engine asks for."""
    client = _connect(engine, CONNECT_S)
    try:
        _check_workers(client, engine, None, CONNECT_S)
    finally:
        client.close(timeout=2)  # type: ignore[no-untyped-call]


def _connect(engine: Engine, patience_s: float) -> Client:
    if find_spec("distributed") is None:
        raise UserError(f'run.engine={engine.name} needs Dask: pip install "dcanas[dask]".')
    from distributed import Client

    end = time.monotonic() + patience_s
    while True:
        try:
            return Client(engine.address, timeout=min(CONNECT_S, patience_s),  # type: ignore[no-untyped-call]
                          set_as_default=False)
        except (OSError, TimeoutError, ValueError, TypeError) as error:
            if time.monotonic() >= end or isinstance(error, ValueError | TypeError):
                raise UserError(f"Nobody answers at {engine.address} (run.engine): start `dask scheduler` there and "
                                f"`dask worker` for it, or use run.engine=local ({error}).") from error
            time.sleep(0.5)


def _check_workers(client: Client, engine: Engine, folder: Path | None, patience_s: float) -> None:
    """Raise `UserError` unless all workers are of this version, see the folder and have the GPUs asked for.

    folder: in which the work lies; None: there is none yet.
    """
    end = time.monotonic() + patience_s
    while not (found := _facts_of_all(client, folder)):
        if time.monotonic() >= end:
            raise UserError(f"The scheduler at {engine.address} has no workers; start `dask worker {engine.address}` "
                            "on the machines that should work.")
        time.sleep(0.2)
    mine = _facts(None)
    for worker, facts in found.items():
        different = [name for name in mine["versions"] if facts["versions"][name] != mine["versions"][name]]
        if different:
            name = different[0]
            raise UserError(f"The worker {worker} has {name} {facts['versions'][name]} and this process "
                            f"{mine['versions'][name]}: install the same version there.")
        if folder and not facts["sees"]:
            raise UserError(f"The worker {worker} does not see {folder}: all workers need the run's folder on a shared "
                            "file system (run.root=FOLDER).")
    if engine.gpus and not any("GPU" in each["resources"] for each in client.scheduler_info()["workers"].values()):
        raise UserError(f"No worker of {engine.address} offers a GPU: start them with "
                        '`dask worker ... --resources "GPU=1"`, one per GPU, or use run.compute=cpu.')


def _facts_of_all(client: Client, folder: Path | None) -> dict[str, dict[str, Any]]:
    """Return what every worker is, by address, without those that end meanwhile."""
    answers: dict[str, Any] = client.run(_facts, None if folder is None else str(folder), on_error="return")
    for answer in answers.values():
        if isinstance(answer, BaseException) and not isinstance(answer, OSError):
            raise answer
    return {worker: answer for worker, answer in answers.items() if isinstance(answer, dict)}


def _facts(folder: str | None) -> dict[str, Any]:
    """Return what a worker is."""
    return {"versions": {"Python": platform.python_version(), "dcanas": __version__,
                         **{name: _version(name) for name in SAME}},
            "sees": folder is not None and os.access(Path(folder, PAYLOAD), os.R_OK)}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"


def _setting(name: str) -> Any:
    import dask

    return dask.config.get(name)
