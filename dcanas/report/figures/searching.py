"""Figures of a search: its alphas, its limits and whether it collapses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from dcanas.report.figures.canvas import HEAT, INK, axes, epochs, history, legend, series, styled

Rows = Sequence[Mapping[str, Any]]


@styled
def alphas(rows: Rows, slots: Sequence[tuple[str, Sequence[str]]], chosen: Mapping[int, int]) -> Figure:
    """Return one strip per slot: its options over the epochs, dark where their weight is large.

    rows: epochs with `mixing`. slots: names and options. chosen: option that was derived, by slot, marked at the right.
    """
    lines = -(-len(slots) // 2)
    options = max(len(names) for _, names in slots)
    figure, grid = axes(lines, lines * (0.15 * options + 0.42) + 0.7, 2, sharex=True, squeeze=False)
    numbers = [row["epoch"] for row in rows]
    image: Any = None
    most = max(weight for row in rows for weights in row["mixing"] for weight in weights)
    for i, axis in enumerate(grid.flat):
        if i >= len(slots):
            axis.set_axis_off()
            continue
        name, names = slots[i]
        weights = np.array([row["mixing"][i] for row in rows]).T
        image = axis.imshow(weights, aspect="auto", cmap=HEAT, vmin=0, vmax=most, interpolation="nearest",
                            extent=(numbers[0] - 0.5, numbers[-1] + 0.5, len(names) - 0.5, -0.5))
        axis.set_title(name, fontsize=8, pad=3)
        axis.set_yticks(range(len(names)), names if i % 2 == 0 or names != slots[i - 1][1] else [], fontsize=7.5)
        axis.grid(False)
        if i in chosen:
            axis.annotate("◂", (1, chosen[i]), xycoords=("axes fraction", "data"), xytext=(2, 0),
                          textcoords="offset points", va="center", fontsize=8, color=INK)
        if i >= len(slots) - 2:
            epochs(axis)
    figure.colorbar(image, ax=grid, location="bottom", shrink=0.6, aspect=40, pad=0.02, fraction=0.03,
                    label=f"mixing weight (0 to {most:.2g})")
    return figure


@styled
def limits(rows: Rows) -> Figure:
    """Return expected costs over their limits and the multipliers, by epoch."""
    names = limited(rows)
    figure, (above, below) = axes(2, 3.6, sharex=True, height_ratios=(3, 2))
    for number, name in enumerate(names):
        history(above, rows, f"expected_over_limit/{name}", name, number)
        history(below, rows, f"multiplier/{name}", None, number)
    above.axhline(1, color=INK, linewidth=1)
    above.annotate("limit", (0, 1), xycoords=("axes fraction", "data"), xytext=(3, 2), textcoords="offset points",
                   fontsize=8)
    above.set_ylabel("expected cost / limit")
    below.set_ylabel("multiplier")
    epochs(below)
    legend(figure)
    return figure


def limited(rows: Rows) -> list[str]:
    """Return the names of the costs that the search had limits on."""
    head = "expected_over_limit/"
    return [key.removeprefix(head) for key in (rows[-1] if rows else ()) if key.startswith(head)]


@styled
def collapse(rows: Rows, free: Sequence[Sequence[bool]]) -> Figure:
    """Return the share of options without parameters in the mixture, and the entropy of the mixture, by epoch.

    free: per slot and option, whether it has no parameters.
    """
    figure, axis = axes()
    shares = [100 * float(np.mean([np.dot(weights, flags) for weights, flags in zip(row["mixing"], free, strict=True)]))
              for row in rows]
    axis.plot([row["epoch"] for row in rows], shares, label="weight of options without parameters",
              **series(1, len(rows)))
    most = float(np.mean([np.log(len(names)) for names in free]))
    if most:  # one option per slot leaves nothing to choose
        history(axis, rows, "alpha_entropy", "entropy, of the largest possible", 0, 100 / most)
    axis.set_ylim(0, 105)
    axis.set_ylabel("per cent")
    epochs(axis)
    legend(figure, 1)
    return figure
