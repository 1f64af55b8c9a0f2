"""Many processes started by `torchrun`: rank 0 does the run, the others search and train with it when it says so.

Rank 0 resolves the settings, writes all files and prints. The others import, wait for its word, and compute; what
they need (the settings as typed, the network, the folder of checkpoints) is in that word.
"""

from __future__ import annotations

import json
import logging
import os
import shlex
import signal
import sys
import warnings
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

import torch
import torch.distributed as dist

from dcanas.basics.checkpoints import Stopped
from dcanas.basics.errors import UserError
from dcanas.training.ranks import ALONE, Ranks

PATIENCE = timedelta(days=30)  # the others wait while rank 0 searches


@cache
def ranks() -> Ranks:
    """Return this process's place; joins the others when first asked: gloo on CPUs, NCCL between CUDA devices."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return ALONE
    local = int(os.environ.get("LOCAL_RANK", "0"))
    if 0 < torch.cuda.device_count() <= local:
        raise UserError(f"torchrun started more processes here than there are CUDA devices "
                        f"({torch.cuda.device_count()}); lower --nproc-per-node, or hide the devices "
                        "(CUDA_VISIBLE_DEVICES=) to train on CPUs.")
    if torch.cuda.is_available():
        torch.cuda.set_device(local)
    dist.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo", timeout=PATIENCE)
    return Ranks(dist.get_rank(), dist.get_world_size())


def dismiss() -> None:
    """Send the others home when all is done. Where rank 0 fails they are not told: they may be within a step, and
    its closed connection ends them."""
    _tell({"do": "go home"})
    dist.destroy_process_group()


def leave(code: int) -> NoReturn:
    """End this process without taking the interpreter down: a thread of gloo that asks for it then would abort."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def call(work: str, command: str, folder: Path, start: Path | None = None) -> None:
    """Ask the others to "train" the network of `folder` (its `architecture.json`) or to "search" with this process.

    start: folder of a finished search that this one goes on from.
    """
    if ranks().count > 1:
        _tell({"do": work, "command": command, "folder": str(folder), "start": start and str(start)})


def follow() -> int:
    """Do what rank 0 says until it sends this process home; return the exit code."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # rank 0 decides when to stop
    warnings.simplefilter("ignore")  # rank 0 has the same and shows them
    try:
        while (word := _hear())["do"] != "go home":
            _take_part(word)
    except UserError as error:
        print(f"dcanas, process {ranks().rank}: {error}", file=sys.stderr)
        return 2
    dist.destroy_process_group()
    return 0


def _take_part(word: dict[str, Any]) -> None:
    from dcanas.cli.configure import configure
    from dcanas.pipeline.session import Session
    from dcanas.pipeline.stages.searching import take_part
    from dcanas.pipeline.stages.training import fit

    settings, options = configure(shlex.split(word["command"])[2:])
    session = Session(settings, replace(options, progress="none"), word["command"])
    with suppress(Stopped):  # all ranks stop after the same step
        if word["do"] == "train":
            fit(session, Path(word["folder"]))
        else:
            take_part(session, Path(word["folder"]), Path(word["start"]) if word["start"] else None)


def _tell(word: dict[str, Any]) -> None:
    content = torch.tensor(list(json.dumps(word).encode()), dtype=torch.uint8)
    dist.broadcast(torch.tensor([len(content)]), 0)
    dist.broadcast(content, 0)


def _hear() -> dict[str, Any]:
    """Return rank 0's next word, or that of leaving where its connection is closed."""
    length = torch.zeros(1, dtype=torch.int64)
    try:
        dist.broadcast(length, 0)
        content = torch.zeros(int(length), dtype=torch.uint8)
        dist.broadcast(content, 0)
    except RuntimeError:
        return {"do": "go home"}
    return json.loads(bytes(content.tolist()))
