"""Compares files of `score_proxies` that were made with other images or weights.

    python -m tools compare_proxies quick.jsonl,noise.jsonl

For the networks that all files hold: Spearman with test accuracy, and with the values of the first file.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dcanas.proxies.judging import spearman
from tools.markdown import print_table
from tools.score_files import merged
from tools.tables import column


def main(files: tuple[Path, ...]) -> None:
    """Print the table.

    Args:
        files: of scores of the same networks
    """
    known = column("nasbench201_accuracy", "cifar10_test")
    read = {path.stem: merged([path]) for path in files}
    texts = [text for text in read[files[0].stem][0] if all(text in other for other, _, _ in read.values())]
    scores = {stem: {name: values[[found.index(text) for text in texts]] for name, values in columns.items()}
              for stem, (found, columns, _) in read.items()}
    first, accuracy = scores[files[0].stem], np.array([known[text] for text in texts])
    names = [name for name in first if all(name in other for other in scores.values())]
    print(f"{len(texts)} networks")
    print_table(["file", *names], [
        [stem, *(f"{spearman(found[name], accuracy):.3f} ({spearman(found[name], first[name]):.3f})" for name in names)]
        for stem, found in scores.items()])
