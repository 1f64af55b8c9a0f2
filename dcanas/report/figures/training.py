"""Figures of training and of what the trained network gets right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from dcanas.report.figures.canvas import HEAT, axes, epochs, history, legend, styled

Rows = Sequence[Mapping[str, Any]]
LABELLED = 12  # classes that fit beside a confusion matrix by name


@styled
def curves(rows: Rows, losses: Mapping[str, str], accuracies: Mapping[str, str]) -> Figure:
    """Return losses and accuracies by epoch; both: key of a row -> label."""
    figure, (above, below) = axes(2, 3.6, sharex=True)
    for axis, labels, factor in ((above, losses, 1), (below, accuracies, 100)):
        for number, (key, label) in enumerate(labels.items()):
            history(axis, rows, key, label, number, factor)
        if len(labels) > 1:
            axis.legend(handlelength=3)
    above.set_ylabel("loss (nats)")
    below.set_ylabel("accuracy (%)")
    epochs(below)
    return figure


@styled
def overlaid(histories: Mapping[str, Rows], key: str, label: str, factor: float = 1.0) -> Figure:
    """Return one quantity of several runs by epoch.

    Args:
        histories: name of the run -> its epochs.
        key: of the quantity in an epoch.
        label: of the vertical axis.
        factor: by which the values are multiplied.
    """
    figure, axis = axes(height=2.6)
    for number, (name, rows) in enumerate(histories.items()):
        history(axis, rows, key, name, number, factor)
    axis.set_ylabel(label)
    epochs(axis)
    legend(figure, 2)
    return figure


@styled
def confusion(counts: Sequence[Sequence[int]], classes: Sequence[str]) -> Figure:
    """Return the confusion matrix, each row as shares of its class; few classes have counts and names."""
    table = np.array(counts, dtype=float)
    shares = 100 * table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    few = len(classes) <= LABELLED
    figure, axis = axes(height=4.4)
    image = axis.imshow(shares, cmap=HEAT, vmin=0, vmax=max(float(shares.max()), 1.0), interpolation="nearest")
    axis.grid(False)
    if few:
        short = [name if len(name) <= 14 else f"{name[:13]}…" for name in classes]
        axis.set_xticks(range(len(classes)), short, rotation=45, ha="right")
        axis.set_yticks(range(len(classes)), short)
        for (i, j), count in np.ndenumerate(table):
            if count:
                axis.text(j, i, f"{count:.0f}", ha="center", va="center", fontsize=7.5,
                          color="white" if shares[i, j] > 0.45 * shares.max() else "#000001")
    axis.set_xlabel("answer" + ("" if few else " (class number)"))
    axis.set_ylabel("true class" + ("" if few else " (number)"))
    figure.colorbar(image, ax=axis, shrink=0.8, label="share of the true class (%)")
    return figure
