"""Are copies and mirror images harmless? Accuracy on noise with copies, and on arrows left and right.

    python -m tools study_copies [seeds=10] [arrows=OUT]

Noise of two classes cannot be told apart: 50 % is right, whatever is stored twice. `tool`: the tool splits it and every
picture is stored twice; `user`: the user has split it, and half of the test images are copies of training images. The
network learns its training images by heart. Arrows are a whole run by default settings.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

from dcanas.basics.errors import UserError
from dcanas.cli.main import main as dcanas
from dcanas.training import Dataset, DataSpec, Recipe, load_data, predict, train
from tools.markdown import print_table

RECIPE = Recipe(epochs=30, batch_size=32, learning_rate=0.05, crop_padding=0, flip=False)
CLASSES = ("a", "b")
SIDE, ARROW = 12, 24
Make = Callable[[Path, np.random.Generator], None]


def main(*, seeds: int = 10, arrows: Path | None = None) -> None:
    """Print the table, and how many arrows are told apart.

    Args:
        seeds: of the noise and of the training
        arrows: folder of the arrows and their run; none: they are left out
    """
    torch.set_num_threads(1)
    rows = [[seed, *(share for make in KINDS.values() for share in _shares(make, seed))] for seed in range(seeds)]
    rows.append(["mean", *np.mean([row[1:] for row in rows], axis=0)])
    print_table(["seed", *(f"{kind}{more}" for kind in KINDS for more in ("", ", copies counted"))],
                [[str(row[0]), *(f"{100 * share:.1f}" for share in row[1:])] for row in rows])
    if arrows is not None:
        if not (arrows / "run/certificate.json").is_file():
            shutil.rmtree(arrows / "photos", ignore_errors=True)
            _arrows(arrows / "photos", np.random.default_rng(0))
            if dcanas(["run", str(arrows / "photos"), f"run.dir={arrows / 'run'}"]):
                raise UserError(f"The run in {arrows} did not end well; see above.")
        found = json.loads((arrows / "run/certificate.json").read_text(encoding="utf-8"))["accuracy"]
        print(f"arrows, default settings: {found['correct']} of {found['n']} test images")


def _shares(make: Make, seed: int) -> tuple[float, float]:
    """Return the accuracy on the test images that count, and on all that the folder's test split has."""
    with tempfile.TemporaryDirectory() as made:
        make(Path(made) / "photos", np.random.default_rng(seed))
        dataset = load_data(DataSpec("folder", str(Path(made) / "photos")))
        torch.manual_seed(seed)
        network = nn.Sequential(nn.Flatten(), nn.Linear(3 * SIDE**2, 256), nn.ReLU(), nn.Linear(256, len(CLASSES)))
        train(network, dataset, dataset.fit_indices, RECIPE, seed)
        right, every = (_right(network, dataset, i) for i in (dataset.test, np.append(dataset.test, dataset.copies)))
        return float(right.mean()), float(every.mean())


def _right(network: nn.Module, dataset: Dataset, indices: np.ndarray) -> np.ndarray:
    return np.asarray(predict(network, dataset, indices).argmax(1) == dataset.labels[indices])


def _noise(folder: Path, count: int, rng: np.random.Generator) -> list[Path]:
    folder.mkdir(parents=True)
    paths = [folder / f"{i}.png" for i in range(count)]
    for path in paths:
        Image.fromarray(rng.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)).save(path)
    return paths


def _twice(root: Path, rng: np.random.Generator) -> None:
    """Every picture is stored twice."""
    for name in CLASSES:
        for path in _noise(root / name, 300, rng):
            shutil.copy(path, path.with_name(f"copy-{path.name}"))


def _twins_in_test(root: Path, rng: np.random.Generator) -> None:
    """Half of the test images are copies of training images."""
    for name in CLASSES:
        known = _noise(root / "train" / name, 240, rng)
        _noise(root / "test" / name, 60, rng)
        for path in known[:60]:
            shutil.copy(path, root / "test" / name / f"copy-{path.name}")


def _arrows(root: Path, rng: np.random.Generator) -> None:
    for name in ("left", "right"):
        (root / name).mkdir(parents=True)
        for i in range(150):
            pixels = rng.normal(60, 12, (ARROW, ARROW))
            x, y, length = rng.integers(8, 13), rng.integers(9, 15), rng.integers(4, 7)
            for step in range(length):
                for row in (y - step, y + step):
                    pixels[row, x + step - length // 2:x + step - length // 2 + 2] = 200
            pixels = pixels[:, ::-1] if name == "right" else pixels
            Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(root / name / f"{i}.png")


KINDS: dict[str, Make] = {"tool": _twice, "user": _twins_in_test}
