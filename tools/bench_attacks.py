"""Compares the attacks with those of adversarial-robustness-toolbox: robust accuracy and time at equal budget.

    uv run python tools/bench_attacks.py

Trains two small networks first (half a minute each on one core): NAS-Bench-201 cells on scikit-learn's digits and,
where DCANAS_TABLES names the folder of real images, on 4,000 CIFAR-10 images. Each attack then gets the same 500 images
that no network was trained on, the same number of steps or queries, one start, the same batch size and one process. The
two libraries take turns, round by round; times are the process's own (one thread), so that other programs count
little; the ratio of times is taken within a round, the median is printed.
"""

from __future__ import annotations

import argparse
import io
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

from dcanas.export.classifier import Classifier, Normalise
from dcanas.robustness import apgd, fgsm, pgd, square
from dcanas.spaces import load_space
from dcanas.training import Dataset, DataSpec, Recipe, load_data, train

ARCHITECTURES = {
    "digits": "|nor_conv_3x3~0|+|none~0|nor_conv_3x3~1|+|skip_connect~0|none~1|nor_conv_3x3~2|",
    "cifar10": "|nor_conv_3x3~0|+|nor_conv_1x1~0|nor_conv_3x3~1|+|skip_connect~0|avg_pool_3x3~1|nor_conv_3x3~2|",
}
EPS = {"digits": 0.1, "cifar10": 2 / 255}
EPOCHS = {"digits": 15, "cifar10": 8}
BUDGETS = {"fgsm": 1, "pgd": 40, "apgd_ce": 100, "square": 300}
Attack = Callable[[np.ndarray, np.ndarray], np.ndarray]


def cifar_images(folder: Path, half: str, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the first `count` images, uint8 (N, 3, 32, 32), and labels of the table folder's JPEG archive."""
    with np.load(folder / f"cifar10_{half}_jpeg.npz") as archive:
        blob, ends, labels = archive["jpeg"].tobytes(), archive["end"][:count].tolist(), archive["label"][:count]
    pictures = [np.asarray(Image.open(io.BytesIO(blob[start:end])))
                for start, end in zip([0, *ends[:-1]], ends, strict=True)]
    return np.stack(pictures).transpose(0, 3, 1, 2).copy(), labels.astype(np.int64)


def cifar_subset(folder: Path, train_count: int, test_count: int) -> Dataset:
    """Return a data set of real CIFAR-10 images."""
    images, labels = cifar_images(folder, "train", train_count)
    more, others = cifar_images(folder, "test", test_count)
    rows = np.arange(train_count + test_count)
    return Dataset("cifar10", tuple("0123456789"), np.concatenate([images, more]), np.concatenate([labels, others]),
                   train=rows[:train_count], validation=rows[:0], test=rows[train_count:], preprocessing={}, flip=True)


def trained(name: str, data: Dataset, epochs: int) -> nn.Module:
    """Return a network of 8 channels and 1 cell per stage, trained on the training split."""
    torch.manual_seed(0)
    space = load_space("nasbench201")
    network = Classifier(Normalise(data.mean, data.std), space.build(
        space.parse(ARCHITECTURES[name]), len(data.classes), data.shape[0], channels=8, cells=1))
    train(network, data, data.train, Recipe(epochs=epochs, label_smoothing=0.0, learning_rate=0.1), seed=0)
    return network.eval()


def own(network: nn.Module, eps: float, batch: int) -> dict[str, Attack]:
    return {
        "fgsm": lambda x, y: fgsm(network, x, y, eps, batch_size=batch),
        "pgd": lambda x, y: pgd(network, x, y, eps, steps=BUDGETS["pgd"], batch_size=batch),
        "apgd_ce": lambda x, y: apgd(network, x, y, eps, steps=BUDGETS["apgd_ce"], batch_size=batch),
        "square": lambda x, y: square(network, x, y, eps, queries=BUDGETS["square"], batch_size=batch),
    }


def peers(network: nn.Module, eps: float, shape: tuple[int, ...], classes: int, batch: int) -> dict[str, Attack]:
    from art.attacks.evasion import (
        AutoProjectedGradientDescent,
        FastGradientMethod,
        ProjectedGradientDescent,
        SquareAttack,
    )
    from art.estimators.classification import PyTorchClassifier

    model = PyTorchClassifier(network, loss=nn.CrossEntropyLoss(), input_shape=shape, nb_classes=classes,
                              clip_values=(0.0, 1.0), device_type="cpu")
    made = {
        "fgsm": FastGradientMethod(model, eps=eps, batch_size=batch),
        "pgd": ProjectedGradientDescent(model, eps=eps, eps_step=2.5 * eps / BUDGETS["pgd"], batch_size=batch,
                                        max_iter=BUDGETS["pgd"], num_random_init=1, verbose=False),
        "apgd_ce": AutoProjectedGradientDescent(model, eps=eps, eps_step=2 * eps, max_iter=BUDGETS["apgd_ce"],
                                                nb_random_init=1, batch_size=batch, loss_type="cross_entropy",
                                                verbose=False),
        "square": SquareAttack(model, eps=eps, max_iter=BUDGETS["square"], batch_size=batch, verbose=False),
    }
    return {name: (lambda x, y, attack=attack: attack.generate(x, y)) for name, attack in made.items()}


def compare(network: nn.Module, images: np.ndarray, labels: np.ndarray, eps: float, classes: int, batch: int,
            rounds: int, names: Sequence[str] = tuple(BUDGETS)) -> Iterator[tuple[str, float, float, float, float]]:
    """Yield per attack: robust accuracy of ours and the peer's, median seconds of ours, median ratio of times."""
    def accuracy(x: np.ndarray) -> float:
        with torch.no_grad():
            return float((network(torch.from_numpy(x)).argmax(1).numpy() == labels).mean())

    ours, theirs = own(network, eps, batch), peers(network, eps, images.shape[1:], classes, batch)
    for name in names:
        seconds: list[tuple[float, float]] = []
        found = {}
        for turn in range(rounds):
            np.random.seed(turn)
            took = []
            for side, attacks in (("own", ours), ("peer", theirs)):
                start = time.process_time()
                adversarial = attacks[name](images, labels)
                took.append(time.process_time() - start)
                found[side] = accuracy(adversarial)
            seconds.append((took[0], took[1]))
        yield (name, found["own"], found["peer"], statistics.median(a for a, _ in seconds),
               statistics.median(b / a for a, b in seconds))


def networks(count: int, tables: Path | None,
             names: Sequence[str]) -> list[tuple[str, nn.Module, np.ndarray, np.ndarray, int]]:
    """Return (name, trained network, images nobody was trained on in [0, 1], labels, classes)."""
    sets = {"digits": load_data(DataSpec())} if "digits" in names else {}
    if "cifar10" in names and tables is not None and (tables / "cifar10_train_jpeg.npz").is_file():
        sets["cifar10"] = cifar_subset(tables, 4000, count)
    made = []
    for name, data in sets.items():
        rows = np.concatenate([data.test, data.validation])[:count]
        made.append((name, trained(name, data, EPOCHS[name]), data.images[rows].astype(np.float32) / 255,
                     data.labels[rows], len(data.classes)))
    return made


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=500)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--networks", nargs="+", default=list(EPS), choices=list(EPS))
    parser.add_argument("--attacks", nargs="+", default=list(BUDGETS), choices=list(BUDGETS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tables", type=Path, default=os.environ.get("DCANAS_TABLES"))
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    print("| network | eps | attack | budget | robust, own % | robust, peer % | own - peer | seconds, own "
          "| x as fast |\n|---|---|---|---|---|---|---|---|---|")
    for name, network, images, labels, classes in networks(options.images, options.tables, options.networks):
        for attack, mine, peer, seconds, ratio in compare(network, images, labels, EPS[name], classes, options.batch,
                                                          options.rounds, options.attacks):
            print(f"| {name} ({len(images)}) | {EPS[name]:.4f} | {attack} | {BUDGETS[attack]} | {100 * mine:.1f} "
                  f"| {100 * peer:.1f} | {100 * (mine - peer):+.1f} | {seconds:.2f} | {ratio:.1f} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
