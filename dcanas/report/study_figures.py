"""Figures of a study: its front, and whom it trusted when. SVG, the same bytes for the same numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Rows = Sequence[dict[str, Any]]


def draw_front(path: Path, front: Rows, costs: Sequence[str]) -> None:
    """Draw `accuracy` over each cost; the knee is the filled point."""
    with _axes(path, len(costs)) as places:
        for place, cost in zip(places, costs, strict=True):
            place.scatter([row[cost] for row in front], [row["accuracy"] for row in front],
                          facecolors=["C1" if row["knee"] else "none" for row in front], edgecolors="C0")
            place.set(xlabel=cost, ylabel="accuracy, %")


def draw_influence(path: Path, trials: Rows) -> None:
    """Draw the influence of surrogate and proxies over trials; nothing where none of them chose by influence."""
    chosen = [row for row in trials if "opinions" in row.get("why", {})]
    if not chosen:
        return
    with _axes(path, 1) as (place,):
        for name in chosen[0]["why"]["opinions"]:
            place.plot([row["position"] for row in chosen],
                       [row["why"]["opinions"][name]["influence"] for row in chosen], label=name)
        place.set(xlabel="trial", ylabel="influence", ylim=(0, 1))
        place.legend()


@contextmanager
def _axes(path: Path, count: int) -> Iterator[Any]:
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    with matplotlib.rc_context({"svg.hashsalt": "dcanas"}):
        figure, places = pyplot.subplots(1, count, figsize=(5 * count, 4), layout="constrained", squeeze=False)
        yield places[0]
        figure.savefig(path, metadata={"Date": None})
        pyplot.close(figure)
