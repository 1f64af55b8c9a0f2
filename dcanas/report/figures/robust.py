"""Figures of robustness."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from dcanas.report.figures.canvas import axes, series, styled


@styled
def withstood(lines: Mapping[str, Sequence[tuple[float, float]]]) -> Figure:
    """Return the share of images (%) that withstand every attack, by the size of the attack (1/255)."""
    figure, axis = axes()
    for number, (name, points) in enumerate(lines.items()):
        axis.plot(*zip(*points, strict=True), label=name, **series(number, len(points)))
    axis.set(ylim=(0, 102), xlabel="size of the attack (1/255)", ylabel="accuracy (%)")
    if len(lines) > 1:
        axis.legend(handlelength=3)
    return figure
