"""Compares the attacks with those of adversarial-robustness-toolbox: robust accuracy and time at equal budget.

    python -m tools bench_attacks

Trains two small networks first (half a minute each on one core): NAS-Bench-201 cells on scikit-learn's digits and on
4,000 real CIFAR-10 images of the folder of published tables. Each attack then gets the same 500 images that no network
was trained on, the same number of steps or queries, one start, the same batch size and one process. The two libraries
take turns, round by round; times are the process's own (one thread), so that other programs count little; the ratio of
times is taken within a round, the median is printed.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Literal

import numpy as np
import torch
from torch import nn

from dcanas.export.classifier import Classifier, Normalise
from dcanas.robustness import apgd, fgsm, pgd, square
from dcanas.spaces import load_space
from dcanas.training import Dataset, DataSpec, Recipe, load_data, train
from tools.cifar_images import cifar_images
from tools.markdown import print_table

ARCHITECTURES = {
    "digits": "|nor_conv_3x3~0|+|none~0|nor_conv_3x3~1|+|skip_connect~0|none~1|nor_conv_3x3~2|",
    "cifar10": "|nor_conv_3x3~0|+|nor_conv_1x1~0|nor_conv_3x3~1|+|skip_connect~0|avg_pool_3x3~1|nor_conv_3x3~2|",
}
EPS = {"digits": 0.1, "cifar10": 2 / 255}
EPOCHS = {"digits": 15, "cifar10": 8}
BUDGETS = {"fgsm": 1, "pgd": 40, "apgd_ce": 100, "square": 300}
Attack = Callable[[np.ndarray, np.ndarray], np.ndarray]


def load(name: str, train_count: int = 4000, test_count: int = 500) -> Dataset:
    """Return the digits, or a data set of so many real CIFAR-10 images."""
    if name == "digits":
        return load_data(DataSpec())
    images, labels = (np.concatenate(both) for both in zip(
        cifar_images("train", train_count), cifar_images("test", test_count), strict=True))
    rows = np.arange(len(images))
    return Dataset("cifar10", tuple("0123456789"), images.copy(), labels, train=rows[:train_count], validation=rows[:0],
                   test=rows[train_count:], preprocessing={}, flip=True)


def untrained(name: str, data: Dataset, seed: int = 0) -> Classifier:
    """Return a network of 8 channels and 1 cell per stage."""
    torch.manual_seed(seed)
    space = load_space("nasbench201")
    return Classifier(Normalise(*data.moments), space.build(
        space.parse(ARCHITECTURES[name]), len(data.classes), data.shape[0], channels=8, cells=1))


def trained(name: str, count: int) -> tuple[nn.Module, np.ndarray, np.ndarray, int]:
    """Return a trained network, `count` images in [0, 1] that it was not trained on, their labels, and the classes."""
    data = load(name, test_count=count)
    network = untrained(name, data)
    train(network, data, data.train, Recipe(epochs=EPOCHS[name], label_smoothing=0.0, learning_rate=0.1), seed=0)
    rows = np.concatenate([data.test, data.validation])[:count]
    return network.eval(), data.images[rows].astype(np.float32) / 255, data.labels[rows], len(data.classes)


def accuracy(network: nn.Module, images: np.ndarray, labels: np.ndarray) -> float:
    """Return the share of images that a network classifies rightly."""
    with torch.no_grad():
        return float((network(torch.from_numpy(images)).argmax(1).numpy() == labels).mean())


def own(network: nn.Module, eps: float, batch: int) -> dict[str, Attack]:
    """Return this project's attacks."""
    options = {"fgsm": (fgsm, {}), "pgd": (pgd, {"steps": BUDGETS["pgd"]}),
               "apgd_ce": (apgd, {"steps": BUDGETS["apgd_ce"]}), "square": (square, {"queries": BUDGETS["square"]})}
    return {name: partial(attack, network, eps=eps, batch_size=batch, **more)
            for name, (attack, more) in options.items()}


def peers(network: nn.Module, eps: float, shape: tuple[int, ...], classes: int, batch: int) -> dict[str, Attack]:
    """Return the toolbox's attacks."""
    from art.attacks import evasion
    from art.estimators.classification import PyTorchClassifier

    model = PyTorchClassifier(network, loss=nn.CrossEntropyLoss(), input_shape=shape, nb_classes=classes,
                              clip_values=(0.0, 1.0), device_type="cpu")
    options = {
        "fgsm": (evasion.FastGradientMethod, {}),
        "pgd": (evasion.ProjectedGradientDescent, {"eps_step": 2.5 * eps / BUDGETS["pgd"], "num_random_init": 1}),
        "apgd_ce": (evasion.AutoProjectedGradientDescent, {"eps_step": 2 * eps, "nb_random_init": 1,
                                                           "loss_type": "cross_entropy"}),
        "square": (evasion.SquareAttack, {}),
    }
    searching = {name: {} if name == "fgsm" else {"max_iter": BUDGETS[name], "verbose": False} for name in options}
    return {name: attack(model, eps=eps, batch_size=batch, **more, **searching[name]).generate
            for name, (attack, more) in options.items()}


def compare(network: nn.Module, images: np.ndarray, labels: np.ndarray, eps: float, classes: int, batch: int,
            rounds: int, names: Sequence[str] = tuple(BUDGETS)) -> Iterator[tuple[str, float, float, float, float]]:
    """Yield per attack: robust accuracy of ours and the peer's, median seconds of ours, median ratio of times."""
    def attacked(attack: Attack) -> tuple[float, float]:
        start = time.process_time()
        adversarial = attack(images, labels)
        return accuracy(network, adversarial, labels), time.process_time() - start

    ours, theirs = own(network, eps, batch), peers(network, eps, images.shape[1:], classes, batch)
    for name in names:
        turns = []
        for turn in range(rounds):
            np.random.seed(turn)
            turns.append((attacked(ours[name]), attacked(theirs[name])))
        yield (name, turns[-1][0][0], turns[-1][1][0], statistics.median(own[1] for own, _ in turns),
               statistics.median(peer[1] / own[1] for own, peer in turns))


def main(*, images: int = 500, batch: int = 128, networks: tuple[Literal["digits", "cifar10"], ...] = tuple(EPS),
         attacks: tuple[Literal["fgsm", "pgd", "apgd_ce", "square"], ...] = tuple(BUDGETS), rounds: int = 3) -> None:
    """Print the comparison."""
    torch.set_num_threads(1)

    def rows() -> Iterator[list[str]]:
        for name in networks:
            network, shown, labels, classes = trained(name, images)
            for attack, mine, peer, seconds, ratio in compare(network, shown, labels, EPS[name], classes, batch, rounds,
                                                              attacks):
                yield [f"{name} ({len(shown)})", f"{EPS[name]:.4f}", attack, str(BUDGETS[attack]), f"{100 * mine:.1f}",
                       f"{100 * peer:.1f}", f"{100 * (mine - peer):+.1f}", f"{seconds:.2f}", f"{ratio:.1f}"]

    print_table(["network", "eps", "attack", "budget", "robust, own %", "robust, peer %", "own - peer", "seconds, own",
                 "x as fast"], rows())
