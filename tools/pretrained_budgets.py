"""What `dcanas run` delivers for photographs within limits on latency, beside the rivals that users have."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

import dcanas
from dcanas.basics.keys import derive_seed
from dcanas.export import export_onnx
from dcanas.export.classifier import Classifier, Normalise
from dcanas.export.random_statistics import with_random_statistics
from dcanas.hardware import load_device, profile_onnx
from dcanas.spaces import load_space
from dcanas.training import DataSpec, load_data, predict, train
from tools.markdown import print_table
from tools.pretrained_cells import BASE, Cells, network_of, parts

FIXED = "|none~0|+|skip_connect~0|none~1|+|nor_conv_3x3~0|none~1|nor_conv_1x1~2|"  # NAS-Bench-201, L's network


def print_budgets(cells: Cells, photos: Path, directory: Path, sets: Sequence[str], seeds: Sequence[int],
                  units: Sequence[float], rival: bool, threads: int) -> None:
    """Print what `dcanas run` delivers within limits on latency, beside the best cut, well trained and as people do it.

    What a run ships is its searched network or its rival, as three fresh splits and the costs decide.

    L is the median latency of one fixed network here, measured once; the ratio is that of the delivered file, measured
    side by side with it.
    """
    torch.set_num_threads(threads)
    fixed = directory / "fixed.onnx"
    if not fixed.exists():
        space = load_space("nasbench201")
        network = with_random_statistics(space.build(space.parse(FIXED), 10, 3, channels=16, cells=2), 0)
        export_onnx(Classifier(Normalise([0.5] * 3, [0.25] * 3), network), fixed, (3, 32, 32))
    unit_ms = cells.get("L", lambda: {"ms": profile_onnx({"L": fixed}, load_device("local-cpu"))["L"].median_ms})["ms"]
    print(f"L = {unit_ms:.4g} ms.\n")

    def row(name: str, unit: float, seed: int) -> dict[str, Any]:
        return cells.get(f"{name}, {unit:g} L, seed {seed}, {'rival' if rival else 'searched alone'}",
                         partial(delivered, photos / name, unit * unit_ms, seed, rival, threads, fixed,
                                 directory / "runs" / f"{name}-{unit:g}L-{seed}"))

    def rows() -> Iterator[list[str]]:
        for name in sets:
            for unit in units:
                found = [row(name, unit, seed) for seed in seeds]
                yield [name, f"{unit:g}", *(" ".join(f"{100 * each[key]:.1f}" if key in each else "-" for each in found)
                                            for key in ("searched", "rival", "plain", "shipped")),
                       " ".join(f"{each['ratio']:.2f}" for each in found),
                       " ".join(f"{each['seconds']:.0f}" for each in found), found[0]["architecture"]]

    print_table(["set", "limit, L", "searched, test %", "best cut", "best cut, 8 epochs at 1e-3", "shipped",
                 "latency, L", "seconds", "architecture"], rows())


def delivered(folder: Path, limit_ms: float, seed: int, rival: bool, threads: int, fixed: Path,
              directory: Path) -> dict[str, Any]:
    """Return test accuracies of what one run delivers, its latency in L, and the seconds that it took."""
    start = time.monotonic()
    run = dcanas.run(str(folder), "local-cpu", {"latency_ms": limit_ms}, seed=seed, directory=directory, space="mbconv",
                     settings={"baseline": rival, "run.threads": threads, "run.workers": threads}, progress=True)
    seconds = time.monotonic() - start
    searched = run.searched
    certificate = searched.certificate.content
    profiles = profile_onnx({"L": fixed, "delivered": searched.onnx}, load_device("local-cpu"))
    found = {"searched": certificate["accuracy"]["value"], "shipped": run.certificate.content["accuracy"]["value"],
             "architecture": certificate["architecture"],
             "ratio": profiles["delivered"].median_ms / profiles["L"].median_ms, "seconds": seconds,
             "met": all(row["met"] is True for row in certificate["rows"])}
    comparison = certificate.get("comparison")
    if comparison:
        found |= {"rival": comparison["accuracy"]["value"], "comparison": comparison["baseline"]["name"]}
        if comparison["baseline"]["family"] == "pretrained":
            found["plain"] = plainly_trained(folder, comparison["baseline"]["architecture"], seed)
    return found


def plainly_trained(folder: Path, text: str, seed: int) -> float:
    """Return the test accuracy of a part as people fine-tune it: 8 epochs at 1e-3 on all that may be learnt from."""
    side = parts().chain(parts().parse(text)).resolution
    dataset = load_data(DataSpec("folder", root=str(folder), size=side, channels=3))
    model = network_of(text, len(dataset.classes), seed)
    train(model, dataset, dataset.fit_indices, replace(BASE, epochs=8, learning_rate=1e-3), derive_seed(seed, "train"))
    return float((predict(model, dataset, dataset.test).argmax(1) == dataset.labels[dataset.test]).mean())
