"""Tasks on the workers of a Dask scheduler (extra `dask`)."""

from __future__ import annotations

import asyncio
import os
import platform
import time
from collections.abc import Callable, Iterator, Sequence
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
SAME = ("torch", "numpy", "joblib")  # packages, beside dcanas and Python, of which all workers have one version


def run_on_dask(engine: Engine, calls: Sequence[Call], say: Callable[[str], None]) -> Iterator[
        tuple[int, dict[str, Any]]]:
    """Yield the number and the outcome of every task as it is done.

    If the scheduler goes away, what has no outcome is given to it again as soon as one answers at its address.

    Raises:
        UserError: Dask is not installed, nobody answers, or the workers are other versions or do not see the folder.
    """
    if find_spec("distributed") is None:
        raise UserError(f'run.engine={engine.name} needs Dask: pip install "dcanas[dask]".')
    left = {call.number: call for call in calls}
    patience_s = CONNECT_S
    while left:
        client = _connect(engine, patience_s)
        try:
            _check_workers(client, engine, next(iter(left.values())).folder)
            for number, outcome in _gathered(client, list(left.values())):
                del left[number]
                yield number, outcome
        except (OSError, asyncio.CancelledError, _GoneError):
            say(f"  The scheduler at {engine.address} has gone away; waiting {engine.patience_s:.0f} s for it.")
            patience_s = engine.patience_s
        finally:
            client.close(timeout=2)  # type: ignore[no-untyped-call]


class _GoneError(Exception):
    """The scheduler forgot a task."""


def _connect(engine: Engine, patience_s: float) -> Client:
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


def _gathered(client: Client, calls: Sequence[Call]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield outcomes as tasks are done; one that has ended as many workers as Dask allows counts as lost."""
    from distributed import KilledWorker, as_completed

    resources = {"resources": {"GPU": 1}} if calls[0].gpus else {}
    numbers = {client.submit(perform, call, pure=False, retries=0, **resources): call.number for call in calls}
    for future in as_completed(list(numbers), loop=client.loop):  # type: ignore[no-untyped-call]
        if future.status in ("cancelled", "lost"):
            raise _GoneError
        error = future.exception() if future.status == "error" else None
        if isinstance(error, KilledWorker):
            yield numbers[future], {"lost": 1 + int(client_setting("distributed.scheduler.allowed-failures"))}
        elif error is not None:
            raise error
        else:
            yield numbers[future], future.result()


def client_setting(name: str) -> Any:
    """Return a setting of Dask."""
    import dask

    return dask.config.get(name)


def _check_workers(client: Client, engine: Engine, folder: str) -> None:
    """Raise `UserError` unless all workers are of this version, see the folder and have the GPUs asked for."""
    end = time.monotonic() + (CONNECT_S if engine.patience_s else 0)
    while not (found := client.run(_facts, folder)):
        if time.monotonic() >= end:
            raise UserError(f"The scheduler at {engine.address} has no workers; start `dask worker {engine.address}` "
                            "on the machines that should work.")
        time.sleep(0.2)
    mine = _facts(folder)
    for worker, facts in found.items():
        different = [name for name in mine["versions"] if facts["versions"][name] != mine["versions"][name]]
        if different:
            name = different[0]
            raise UserError(f"The worker {worker} has {name} {facts['versions'][name]} and this process "
                            f"{mine['versions'][name]}: install the same version there.")
        if not facts["sees"]:
            raise UserError(f"The worker {worker} does not see {folder}: all workers need the run's folder on a shared "
                            "file system (run.root=FOLDER).")
    if engine.gpus and not any("GPU" in each["resources"] for each in client.scheduler_info()["workers"].values()):
        raise UserError(f"No worker of {engine.address} offers a GPU: start them with "
                        '`dask worker ... --resources "GPU=1"`, one per GPU, or use run.compute=cpu.')


def _facts(folder: str) -> dict[str, Any]:
    """Return what a worker is."""
    return {"versions": {"Python": platform.python_version(), "dcanas": __version__,
                         **{name: _version(name) for name in SAME}},
            "sees": os.access(Path(folder, PAYLOAD), os.R_OK)}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"
