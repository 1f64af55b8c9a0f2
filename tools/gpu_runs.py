"""The two runs that a GPU is wanted for: the supernet at full size on CIFAR-10, and the pretrained one on photographs.

    python -m tools gpu_runs cifar=CIFAR photos=GROCERY directory=OUT
    python -m tools gpu_runs cifar=CIFAR photos=GROCERY directory=OUT share=0.01 batch_size=32 compute=cpu

CIFAR and GROCERY are folders of images, a folder per class. The second line is the proof without a GPU: a hundredth of
the images, so of the steps. Each run is a command of its own, whose output is kept in OUT; it goes on where it was if
the same line is given again.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from dcanas.basics.errors import UserError
from tools.markdown import print_table


def main(cifar: Path, photos: Path, directory: Path, *, share: float = 1.0, batch_size: int = 256,
         compute: str = "cuda", runs: str = "cifar,photos") -> None:
    """Print how long each run took.

    Args:
        cifar: folder of CIFAR-10's images
        photos: folder of photographs
        directory: for the runs
        share: of the training images
        batch_size: of the supernet on CIFAR-10
        compute: cuda or cpu
        runs: names, separated by commas

    Raises:
        UserError: a run failed.
    """
    directory.mkdir(parents=True, exist_ok=True)
    common = [f"data.fraction={share:g}", f"run.compute={compute}", "run.progress=plain"]
    words = {
        "cifar": ["search", "experiment=nasbench201_cifar10_gpu", "data=folder", f"data.root={cifar.absolute()}",
                  "data.size=32", f"search.batch_size={batch_size}", f"search.compile={str(compute == 'cuda').lower()}",
                  *common],
        "photos": ["run", str(photos.absolute()), "search=slices", "budget.macs=10 M", *common]}
    rows = []
    for name in runs.split(","):
        log, start = directory / f"{name}.txt", time.monotonic()
        with log.open("w", encoding="utf-8") as file:
            done = subprocess.run([sys.executable, "-m", "dcanas", *words[name], f"run.dir={directory / name}"],
                                  stdout=file, stderr=subprocess.STDOUT,
                                  env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, sys.path))})
        last = log.read_text(encoding="utf-8").splitlines()[-1:]
        if done.returncode:
            raise UserError(f"dcanas {' '.join(words[name])} ended with exit code {done.returncode}: {' '.join(last)}")
        rows.append([name, f"{time.monotonic() - start:.0f}", *last])
    print_table(["run", "seconds", "its last line"], rows)
