"""Are two independent latency profiles of the same ten networks alike, with busy processes beside them?

    uv run python tools/study_repeatability.py --busy 1 --out /tmp/repeatability

Each round profiles ten random NAS-Bench-201 networks twice, independently, and prints how far they are apart and how
many of the differing ones were called noisy: a difference above 5 % that nobody was warned of is what must not happen.
"""

from __future__ import annotations

import argparse
import multiprocessing
import tempfile
from pathlib import Path

import numpy as np

from dcanas.hardware import load_device, measure_members
from dcanas.spaces import load_space

NETWORKS = 10
TOLERANCE = 0.05


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--busy", type=int, default=1, help="processes that compute beside the measurement")
    parser.add_argument("--seconds", type=float, default=2.5, help="of counted runs per network")
    parser.add_argument("--cap-s", type=float, default=60.0, help="most seconds for one profile of all ten")
    parser.add_argument("--cells", type=int, default=1, help="per stage of the networks")
    parser.add_argument("--channels", type=int, default=8)
    stated = parser.parse_args()
    space, device = load_space("nasbench201"), load_device("local-cpu")
    rng = np.random.default_rng(0)
    members = list(dict.fromkeys(space.sample(rng) for _ in range(2 * NETWORKS)))[:NETWORKS]
    busy = [multiprocessing.Process(target=_compute, daemon=True) for _ in range(stated.busy)]
    with tempfile.TemporaryDirectory() as folder:
        for process in busy:
            process.start()
        try:
            first, second = (measure_members(space, members, Path(folder) / name, device, (3, 32, 32), 10,
                                             stated.seconds, 0, stated.cap_s, channels=stated.channels,
                                             cells=stated.cells) for name in ("first", "second"))
        finally:
            for process in busy:
                process.kill()
    differences = np.array([abs(first[a].median_ms / second[a].median_ms - 1) for a in members])
    warned = np.array([first[a].noisy or second[a].noisy for a in members])
    for arch, difference, noisy in zip(members, differences, warned, strict=True):
        print(f"{space.format(arch)}  {first[arch].median_ms:.4f} ms  {second[arch].median_ms:.4f} ms  "
              f"{100 * difference:5.1f} %  {'noisy' if noisy else ''}")
    silent = int(np.sum((differences > TOLERANCE) & ~warned))
    print(f"busy processes: {stated.busy}; median difference {100 * np.median(differences):.1f} %, largest "
          f"{100 * differences.max():.1f} %; called noisy: {warned.sum()} of {len(members)}; above 5 % without a "
          f"warning: {silent}")
    promise = np.median(differences) <= TOLERANCE or warned.mean() > 0.5
    print("kept" if promise else "NOT kept", "(median within 5 %, or most are called noisy)")


def _compute() -> None:
    matrix = np.random.default_rng().normal(size=(200, 200))
    while True:
        matrix = np.tanh(matrix @ matrix.T)


if __name__ == "__main__":
    main()
