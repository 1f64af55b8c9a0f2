"""Figures of candidates: the pool, fronts, and predicted against measured latency."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from dcanas.report.figures.canvas import FAINT, MARKERS, SERIES, axes, cost_axis, legend, limit_line, ring, styled

Point = tuple[float, float]


@styled
def scatter(groups: Mapping[str, Sequence[Point]], chosen: Point | None, limit: float | None, cost: str,
            label: str) -> Figure:
    """Return named groups of points, the chosen one marked and the limit as a line.

    Args:
        groups: name -> points (cost, score).
        chosen: the point to mark, None if there is none.
        limit: on the cost, None if there is none.
        label: of the vertical axis.
    """
    figure, axis = axes(height=3.0)
    for number, (name, points) in enumerate(groups.items()):
        if points:
            axis.scatter(*zip(*points, strict=True), s=14 + 12 * number, color=SERIES[number or 6],
                         marker=MARKERS[number], label=name, linewidths=0, zorder=2 + number)
    ring(axis, chosen, "chosen")
    limit_line(axis, limit)
    cost_axis(axis, cost)
    axis.set_ylabel(label)
    legend(figure)
    return figure


@styled
def agreement(predicted: Sequence[float], measured: Sequence[float], chosen: Point | None, unit: str) -> Figure:
    """Return predictions against measurements, with the line on which they agree.

    Args:
        predicted, measured: of the same networks, in `unit`.
        chosen: (predicted, measured) of the delivered file, None if one is not known.
    """
    figure, axis = axes(height=3.0)
    most = 1.08 * max(*predicted, *measured)
    axis.plot([0, most], [0, most], color=FAINT, linewidth=1, linestyle=(0, (4, 2)), label="equal")
    axis.scatter(predicted, measured, s=18, color=SERIES[0], linewidths=0, label="networks measured before training",
                 zorder=3)
    ring(axis, chosen, "delivered file")
    axis.set(xlim=(0, most), ylim=(0, most), xlabel=f"predicted ({unit})", ylabel=f"measured ({unit})")
    legend(figure)
    return figure


@styled
def bars(labels: Sequence[str], groups: Mapping[str, Sequence[float | None]], unit: str) -> Figure:
    """Return horizontal bars.

    Args:
        labels: of the bars.
        groups: name -> one value per label; None draws no bar.
        unit: label of the horizontal axis.
    """
    figure, axis = axes(height=0.16 * len(labels) * (1 + len(groups)) + 1.0)
    thickness = 0.8 / len(groups)
    hatches: tuple[Any, ...] = (None, "////", "....", "\\\\\\\\", "xxxx")
    for number, (name, values) in enumerate(groups.items()):
        places = [i - 0.4 + thickness * (number + 0.5) for i in range(len(labels))]
        axis.barh(places, [value or 0.0 for value in values], thickness * 0.9, label=name, color=SERIES[number],
                  hatch=hatches[number], edgecolor="white", linewidth=0)
    axis.set_yticks(range(len(labels)), labels)
    axis.invert_yaxis()
    axis.grid(axis="y", visible=False)
    axis.set_xlabel(unit)
    legend(figure)
    return figure
