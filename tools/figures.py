"""Figures of studies in the style of the report, as SVG files: equal numbers, equal bytes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from dcanas.basics.files import write_bytes
from dcanas.report.figures.canvas import axes, styled, svg_file


def save(figure: Figure, path: Path) -> None:
    """Write a figure as an SVG file."""
    write_bytes(path, svg_file(figure))


@styled
def heat_map(values: np.ndarray, rows: Sequence[str], columns: Sequence[str], title: str) -> Figure:
    """Return a grid of coloured numbers from -1 (blue) to 1 (red). Shape: values (rows, columns)."""
    figure, axis = axes(height=0.22 * len(rows) + 0.8)
    axis.imshow(values, cmap="bwr", vmin=-1, vmax=1, aspect="auto")
    axis.set(title=title, xticks=range(len(columns)), yticks=range(len(rows)), xticklabels=columns, yticklabels=rows)
    axis.grid(visible=False)
    for (i, j), value in np.ndenumerate(values):
        axis.text(j, i, f"{value:.2f}", ha="center", va="center", fontsize=8)
    return figure
