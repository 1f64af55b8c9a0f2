"""Figures of fronts, and where their points lie on a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from dcanas.report.figures.canvas import MARKERS, SERIES, axes, cost_axis, legend, limit_line, series, styled
from dcanas.report.front import Member, front


@styled
def fronts(groups: Mapping[str, Sequence[Member]], cost: str, limit: float | None) -> Figure:
    """Return members and fronts of one or several runs: accuracy against one cost.

    Args:
        groups: name of the run -> its evaluated members.
        cost: on the horizontal axis.
        limit: on the cost, None if there is none.
    """
    figure, axis = axes(height=3.0)
    for number, (name, members) in enumerate(groups.items()):
        colour = SERIES[number % len(SERIES)]
        axis.scatter([m.costs[cost] for m in members], [100 * m.accuracy for m in members], s=14, color=colour,
                     marker=MARKERS[number % len(MARKERS)], linewidths=0, alpha=0.75, label=name or None)
        best = front(members, cost)
        axis.plot([m.costs[cost] for m in best], [100 * m.accuracy for m in best], drawstyle="steps-post",
                  **series(number))
    limit_line(axis, limit)
    cost_axis(axis, cost)
    axis.set_ylabel("validation accuracy (%)")
    if any(groups):
        legend(figure, 2)
    return figure


@styled
def against_cost(groups: Mapping[str, Sequence[tuple[str, float, tuple[float, float, float]]]], cost: str) -> Figure:
    """Return networks by test accuracy, with its interval, against one cost; every first group is drawn full.

    groups: name -> (label, cost, (accuracy, low, high)); accuracies from 0 to 1.
    """
    figure, axis = axes(height=3.0)
    values = [value for points in groups.values() for _, value, _ in points]
    middle_value = (min(values) + max(values)) / 2
    for number, (name, points) in enumerate(groups.items()):
        for label, value, (middle, low, high) in points:
            axis.errorbar(value, 100 * middle, [[100 * (middle - low)], [100 * (high - middle)]], capsize=2,
                          linewidth=1, color=SERIES[number], marker=MARKERS[number],
                          markerfacecolor="none" if number else SERIES[number])
            right = value > middle_value  # of the picture: the text goes to the left, where there is room
            axis.annotate(label if len(label) <= 24 else f"{label[:23]}…", (value, 100 * middle),
                          xytext=(-5 if right else 5, 4), ha="right" if right else "left",
                          textcoords="offset points", fontsize=7.5)
        if points:
            axis.plot([], [], color=SERIES[number], marker=MARKERS[number], linestyle="none", label=name,
                      markerfacecolor="none" if number else SERIES[number])
    axis.margins(x=0.25, y=0.12)
    cost_axis(axis, cost)
    axis.set_ylabel("test accuracy (%)")
    legend(figure, 2)
    return figure


def places(figure: Figure, points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the positions of points of the figure's first axes in its SVG, in the units of the `viewBox`."""
    figure.set_dpi(72)  # that of an SVG
    figure.draw_without_rendering()
    height = figure.get_figheight() * 72
    pixels = figure.axes[0].transData.transform(points)
    return [(round(float(x), 1), round(height - float(y), 1)) for x, y in pixels]
