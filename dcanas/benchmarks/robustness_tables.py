"""The published proxies and robust accuracies of NAS-Bench-201 as one table to learn from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dcanas.benchmarks.judged_data import PROXIES
from dcanas.benchmarks.robustness_features import Features
from dcanas.benchmarks.table_problem import FAILED
from dcanas.hardware.latency.table_files import read_columns, read_rows
from dcanas.spaces import load_space
from dcanas.spaces.types import Architecture

ATTACKS = {"fgsm": "fgsm", "pgd": "pgd", "apgd": "apgd_ce", "square": "square"}  # name here: name in the table


@dataclass(frozen=True)
class RobustnessTable:
    """Networks with their proxies and accuracies, row by row.

    Attributes:
        indices: the benchmark's index.
        classes: index of the canonical representative, by which splits are made: equal networks stay together.
        proxies: 13 training-free scores.
        targets: accuracies in percent, `clean` (validation) and one per attack.
    """

    indices: np.ndarray
    classes: np.ndarray
    architectures: tuple[Architecture, ...]
    proxies: Features
    targets: Features

    def target(self, name: str) -> np.ndarray:
        """Return one column of `targets`. Shape: (networks,)."""
        return self.targets.only([name]).values[:, 0]


def load_robustness_table(folder: Path | str, eps_255: float = 1.0, every_code: bool = False) -> RobustnessTable:
    """Return proxies, validation accuracy and robust accuracy (L-inf) on CIFAR-10.

    Args:
        eps_255: radius of the attacks, in 1/255.
        every_code: all codes that have proxies; otherwise the first code of each class only.

    A network with a proxy that failed is left out. Raises `UserError` if a table or a column is missing.
    """
    folder, space = Path(folder), load_space("nasbench201")
    codes = list(space.enumerate())
    texts = [space.format(code) for code in codes]
    number = {code: index for index, code in enumerate(codes)}
    scored, proxies = read_columns(folder / "nasbench201_proxies_cifar10.csv.gz", sorted(PROXIES))
    accuracy = read_rows(folder / "nasbench201_accuracy.csv.gz", ["cifar10_val"], texts)
    columns = [f"{attack}_eps{float(eps_255)}" for attack in ATTACKS.values()]
    robust = read_rows(folder / "nasbench201_robustness_cifar10.csv.gz", columns, texts)
    classes = np.array([number[space.canonical(code)] for code in codes])
    row_of = {text: row for row, text in enumerate(scored)}
    known = np.abs(np.column_stack(list(proxies.values()))) < FAILED
    kept = [i for i, text in enumerate(texts)
            if text in row_of and (every_code or classes[i] == i) and known[row_of[text]].all()]
    rows = [row_of[texts[i]] for i in kept]
    return RobustnessTable(
        np.array(kept), classes[kept], tuple(codes[i] for i in kept),
        Features(tuple(proxies), np.column_stack([column[rows] for column in proxies.values()])),
        Features(("clean", *ATTACKS), np.column_stack([accuracy["cifar10_val"][kept],
                                                       *(robust[name][kept] for name in columns)])))
