"""Two processes of one group on loopback that run a test module's `work(ranks, folder)`."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import os, sys
sys.path[:0] = [{here!r}, {tests!r}]
from pathlib import Path
import torch
import torch.distributed as dist
import {module} as asked
from dcanas.training.ranks import Ranks

torch.set_num_threads(1)
children = []
for rank in range(2):
    children.append(os.fork())
    if not children[-1]:
        dist.init_process_group("gloo", init_method="tcp://127.0.0.1:{port}", rank=rank, world_size=2)
        asked.work(Ranks(rank, 2), Path({folder!r}))
        dist.destroy_process_group()
        os._exit(0)
codes = [os.waitpid(child, 0)[1] for child in children]
sys.exit(any(codes))
"""


def run_two(file: str, folder: Path, timeout: int) -> None:
    """Run `work` of a test's `__file__` as ranks 0 and 1; it leaves its results in `folder`. timeout: seconds."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = PROGRAM.format(here=str(Path(file).parent), tests=str(Path(__file__).parent), module=Path(file).stem,
                             port=port, folder=str(folder))
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=timeout, check=False)
    assert done.returncode == 0, done.stderr
