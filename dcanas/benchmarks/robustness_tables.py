"""The published proxies and robust accuracies of NAS-Bench-201 as one table to learn from."""

from __future__ import annotations

import csv
import gzip
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dcanas.basics.errors import UserError
from dcanas.benchmarks.robustness_features import Features
from dcanas.spaces import load_space
from dcanas.spaces.types import Architecture

PROXIES = ("epe_nas", "fisher", "flops", "grad_norm", "grasp", "jacov", "l2_norm", "nwot", "params", "plain", "snip",
           "synflow", "zen")
ATTACKS = {"fgsm": "fgsm", "pgd": "pgd", "apgd": "apgd_ce", "square": "square"}  # name here: name in the table
_FAILED = -1e8  # a proxy that could not be computed


@dataclass(frozen=True)
class RobustnessTable:
    """Networks with their proxies and accuracies, row by row.

    Attributes:
        indices: the benchmark's index; classes: index of the canonical representative, which splits must not cut.
        proxies: 13 training-free scores. targets: accuracies in percent, `clean` (validation) and one per attack.
    """

    indices: np.ndarray
    classes: np.ndarray
    architectures: tuple[Architecture, ...]
    proxies: Features
    targets: Features

    def target(self, name: str) -> np.ndarray:
        return self.targets.only([name]).values[:, 0]


def load_robustness_table(folder: Path | str, eps_255: float = 1.0, every_code: bool = False) -> RobustnessTable:
    """Read proxies, validation accuracy and robust accuracy (L-inf, eps in 1/255) on CIFAR-10.

    every_code: all codes that have proxies; otherwise the first code of each class only. A network whose proxy failed
    is left out. Raises `UserError` where a table or a column is missing.
    """
    folder = Path(folder)
    proxies = {int(row["index"]): row for row in _rows(folder / "nasbench201_proxies_cifar10.csv.gz")}
    accuracy = list(_rows(folder / "nasbench201_accuracy.csv.gz"))
    robust = list(_rows(folder / "nasbench201_robustness_cifar10.csv.gz"))
    space = load_space("nasbench201")
    codes = list(space.enumerate())
    number = {code: index for index, code in enumerate(codes)}
    classes = np.array([number[space.canonical(code)] for code in codes])
    kept = [i for i in range(len(codes)) if i in proxies and (every_code or classes[i] == i) and
            all(float(proxies[i][name]) != _FAILED for name in PROXIES)]
    columns = {name: f"{column}_eps{float(eps_255)}" for name, column in ATTACKS.items()}
    for column in columns.values():
        if column not in robust[0]:
            raise UserError(f"The robustness table has no column {column}; known: {', '.join(list(robust[0])[2:])}.")
    targets = [[float(accuracy[i]["cifar10_val"]), *(float(robust[i][c]) for c in columns.values())] for i in kept]
    return RobustnessTable(
        np.array(kept), classes[kept], tuple(codes[i] for i in kept),
        Features(PROXIES, np.array([[float(proxies[i][name]) for name in PROXIES] for i in kept])),
        Features(("clean", *columns), np.array(targets)))


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            return list(csv.DictReader(file))
    except FileNotFoundError as error:
        raise UserError(f"There is no table {path}; DCANAS_TABLES names the folder of published tables.") from error
