"""Compares files of `score_proxies` that were made with other images or weights.

    python -m tools compare_proxies quick.jsonl,noise.jsonl

For the networks that all files hold: Spearman with test accuracy, and with the values of the first file.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dcanas.proxies.judging import spearman
from dcanas.proxies.table import columns
from dcanas.proxies.votes import oriented
from tools.markdown import print_table
from tools.score_files import rows_of
from tools.tables import column


def main(files: tuple[Path, ...]) -> None:
    """Print the table.

    Args:
        files: of scores of the same networks
    """
    read = [rows_of(path) for path in files]
    common = set.intersection(*({row["position"] for row in rows} for _, rows in read))
    names = [name for name in read[0][0]["names"] if all(name in header["names"] for header, _ in read)]
    kept = [[row for row in rows if row["position"] in common] for _, rows in read]
    known = column("nasbench201_accuracy", "cifar10_test")
    accuracy = np.array([known[row["architecture"]] for row in kept[0]])
    scores = [{name: oriented(name, values) for name, values in columns(rows, names).items()} for rows in kept]
    print(f"{len(common)} networks")
    print_table(["file", "batch", "initialisation", *names], [
        [path.stem, header["images"][0], header["initialisation"], *(
            f"{spearman(found[name], accuracy):.3f} ({spearman(found[name], scores[0][name]):.3f})" for name in names)]
        for path, (header, _), found in zip(files, read, scores, strict=True)])
