"""Six kinds of run, each as small as it gets, made by the real pipeline: what a page and a terminal say of each is read
by the tests beside this file."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from PIL import Image
from sklearn.datasets import load_digits

import dcanas

SMALL = {"space": {"final_skeleton": {"channels": 4, "cells": 1}, "search_skeleton": {"channels": 4, "cells": 1}},
         "search": {"epochs": 1, "finalists": 2, "finalist_epochs": 0, "batch_size": 64, "rerank": []},
         "train": {"epochs": 4}, "train.batch_size": 64, "run.threads": 1}
ATTACKED = {"attacks": ["fgsm"], "eps_255": [2], "attack_images": 60}
SHEET = Path(__file__).parents[1] / "hardware/latency/data_sheet.py"


def photos(folder: Path, each: int = 60) -> Path:
    """Write real digits as colour photographs, 10 classes with so many images each."""
    raw = load_digits()
    for label in range(10):
        place = folder / f"digit {label}"
        place.mkdir(parents=True, exist_ok=True)
        for number, index in enumerate(np.flatnonzero(raw.target == label)[:each]):
            grey = (raw.images[index] * 15).astype(np.uint8)
            Image.fromarray(np.stack([grey, 255 - grey, grey // 2], axis=-1)).save(place / f"{number}.png")
    return folder


def boards(folder: Path) -> None:
    """Write profiles of two devices into a folder of the user's own: one like this machine, one nobody can reach."""
    shipped = yaml.safe_load((Path(__file__).parents[2] / "hardware_profiles/local-cpu.yaml").read_text())
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(SHEET, folder)
    for name, changes in (("second-cpu", {}), ("remote-board", {"connection": None, "costs": {
            **shipped["costs"], "latency_ms": SHEET.name, "latency_p95_ms": None}})):
        profile = {**shipped, **changes, "name": name}
        profile["costs"] = {key: value for key, value in profile["costs"].items() if value is not None}
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(profile), encoding="utf-8")


def _run(folder: Path, data: Any = "digits", device: Any = "local-cpu", budget: Any = None,
         **settings: Any) -> dcanas.Run:
    return dcanas.run(data, device, budget, directory=folder, settings={**SMALL, **settings})


KINDS: dict[str, Callable[[Path], dcanas.Run]] = {
    "default": _run,
    "two-devices": lambda folder: _run(folder, device=["local-cpu", "second-cpu"], budget={"params": "p60"}),
    "rival": lambda folder: _run(folder, photos(folder.parent / "photos"), budget={"macs": 4e6}, baseline=True,
                                 train={"epochs": 8}, **{"data.size": 8}),
    "over-limit": lambda folder: _run(folder, budget={"params": "p60", "robust_accuracy_min": 0.99}, **ATTACKED),
    "unverified": lambda folder: _run(folder, device="remote-board", budget={"latency_ms": 50}),
    "robust": lambda folder: _run(folder, budget={"params": "p60"}, robustness=True, **ATTACKED),
}


if __name__ == "__main__":  # for looking at the pages: python tests/report/kinds.py FOLDER
    import os
    import sys

    from shortcuts import quick

    where = Path(sys.argv[1])
    boards(where / "devices")
    os.environ["DCANAS_DEVICES"] = str(where / "devices")
    with quick():
        for name, make in KINDS.items():
            if len(sys.argv) == 2 or name in sys.argv[2:]:
                run = make(where / name)
                print(name, run.which, run.bundle, run.certificate.met, flush=True)
