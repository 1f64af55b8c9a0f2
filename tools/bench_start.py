"""Time from typing a command that computes nothing to its end, against importing Hydra and YAML.

    python -m tools bench_start

Every command runs once in every round, in processes of their own; a ratio is taken within a round. The median of the
rounds is printed with the smallest and the largest.
"""

from __future__ import annotations

import subprocess
import sys
import time

import numpy as np

from tools.markdown import print_table

COMMANDS = {
    "import hydra, yaml": ["-c", "import hydra, yaml"],
    "dcanas list recipes": ["-m", "dcanas", "list", "recipes"],
    "dcanas run --cfg": ["-m", "dcanas", "run", "--cfg"],
    "dcanas run serch=darts (refused)": ["-m", "dcanas", "run", "serch=darts"],
}


def main(*, rounds: int = 7) -> None:
    """Print the table."""
    seconds = np.array([[_seconds(arguments) for arguments in COMMANDS.values()] for _ in range(rounds)])
    ratios = seconds / seconds[:, :1]
    print_table(["command", "seconds, median", "times the import"], [
        [name, f"{np.median(seconds[:, i]):.2f}",
         f"{np.median(ratios[:, i]):.2f} ({ratios[:, i].min():.2f} to {ratios[:, i].max():.2f})"]
        for i, name in enumerate(COMMANDS)])


def _seconds(arguments: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], capture_output=True, check=False)
    return time.perf_counter() - start
