"""Several processes started by `torchrun`: rank 0 does the run, and the others search and train with it when it asks.

Rank 0 resolves the settings, writes all files and prints. The others wait for its messages; what a work needs (the
settings, the folder of the network) is in the message, as JSON.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import cache
from typing import Any, NoReturn

import torch
import torch.distributed as dist
from torch.distributed.rendezvous import rendezvous

from dcanas.basics.errors import Stopped, UserError
from dcanas.basics.keys import plain
from dcanas.basics.launcher import Launch, read_launch
from dcanas.basics.printable import complain
from dcanas.training.ranks import ALONE, Ranks

Works = Mapping[str, Callable[[dict[str, Any]], object]]

JOIN = timedelta(minutes=5)  # until all processes have started
STEP = timedelta(minutes=30)  # until all processes have done the same step of a work
IDLE = timedelta(days=30)  # of the others while rank 0 works alone; if it ends, its closed connection ends the wait
NOTICE_SECONDS = 10
SHUTDOWN = "shutdown"


@cache
def ranks() -> Ranks:
    """Return this process's place; the first call joins the others if there are several.

    Gloo connects CPUs, NCCL CUDA devices.

    Raises `UserError` if there are more processes than CUDA devices, or if the others do not join within `JOIN`.
    """
    place = read_launch()
    if place.count == 1:
        return ALONE
    if 0 < torch.cuda.device_count() <= place.local_rank:
        raise UserError(f"torchrun started more processes here than there are CUDA devices "
                        f"({torch.cuda.device_count()}); lower --nproc-per-node, or hide the devices "
                        "(CUDA_VISIBLE_DEVICES=) to train on CPUs.")
    if torch.cuda.is_available():
        torch.cuda.set_device(place.local_rank)
    dist.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo", timeout=STEP,
                            store=_meet(place), rank=place.rank, world_size=place.count)
    _messages()
    return Ranks(place.rank, place.count)


@contextmanager
def together(work: str, message: Mapping[str, Any]) -> Iterator[None]:
    """Enclose work that this process, which has joined the others (`ranks`), does together with them.

    Args:
        work: its name among the `works` of `worker_loop`.
        message: what the others need for it; it is sent as JSON (dataclasses become dictionaries).
    """
    _broadcast({"work": work, "message": plain(dict(message))})
    with peer_errors():
        yield


def worker_loop(works: Works) -> int:
    """Do the works that rank 0 starts until it shuts this process down; return the exit code.

    works: by name, a function of the message.
    """
    rank = ranks().rank
    for number in (signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
        signal.signal(number, signal.SIG_IGN)  # rank 0 decides when to stop
    warnings.simplefilter("ignore")  # rank 0 has the same and shows them
    try:
        while (received := _receive())["work"] != SHUTDOWN:
            with suppress(Stopped), peer_errors():  # all ranks stop after the same step
                works[received["work"]](received["message"])
    except UserError as error:
        complain(str(error), f"dcanas, process {rank}")
        return 2
    dist.destroy_process_group()
    return 0


def shutdown() -> None:
    """End the other processes when all is done.

    If rank 0 fails it does not call this: the others may be within a step, and its closed connection ends them.
    """
    _broadcast({"work": SHUTDOWN})
    dist.destroy_process_group()


def leave(code: int) -> NoReturn:
    """End this process without taking the interpreter down: a thread of gloo that asks for it then would abort."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


@contextmanager
def peer_errors() -> Iterator[None]:
    """Enclose a work that processes do together; raise `UserError` if another one ends, or is `STEP` behind."""
    try:
        yield
    except RuntimeError as error:
        if not any(sign in str(error) for sign in ("Timed out", "Connection closed by peer", "Connection reset")):
            raise
        raise UserError(f"Another of the {ranks().count} processes ended, or did not answer for {_minutes(STEP)}; see "
                        "what it printed, then start all of them again with the same command, which continues.",
                        ) from error


def _meet(place: Launch) -> Any:
    """Return the store through which all processes find each other, once all of them are there."""
    names = [f"joined/{rank}" for rank in range(place.count)]
    notice = threading.Timer(NOTICE_SECONDS, lambda: print(
        f"dcanas, process {place.rank}: waiting for the others of {place.count} processes (WORLD_SIZE), at most "
        f"{_minutes(JOIN)}.", file=sys.stderr, flush=True))
    notice.daemon = True
    notice.start()
    try:
        store, _, _ = next(rendezvous("env://", timeout=JOIN))
        store.set(names[place.rank], "here")
        store.wait(names, JOIN)
    except RuntimeError as error:
        raise UserError(f"The others of {place.count} processes did not join within {_minutes(JOIN)} "
                        f"({str(error).splitlines()[0]}); start all of them with torchrun, or unset RANK and "
                        "WORLD_SIZE to run as one process.") from error
    finally:
        notice.cancel()
    return store


def _minutes(limit: timedelta) -> str:
    return f"{limit.total_seconds() / 60:g} minutes"


@cache
def _messages() -> Any:
    """Return the group of all processes for messages, which has more patience than the steps of a work."""
    return dist.new_group(backend="gloo", timeout=IDLE)


def _broadcast(content: Mapping[str, Any]) -> None:
    data = torch.tensor(list(json.dumps(content).encode()), dtype=torch.uint8)
    dist.broadcast(torch.tensor([len(data)]), 0, _messages())
    dist.broadcast(data, 0, _messages())


def _receive() -> dict[str, Any]:
    """Return rank 0's next message, or that of shutting down if its connection is closed."""
    length = torch.zeros(1, dtype=torch.int64)
    try:
        dist.broadcast(length, 0, _messages())
        data = torch.zeros(int(length), dtype=torch.uint8)
        dist.broadcast(data, 0, _messages())
    except RuntimeError:
        return {"work": SHUTDOWN}
    message: dict[str, Any] = json.loads(bytes(data.tolist()))
    return message
