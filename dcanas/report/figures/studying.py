"""Figures of a study: values of its trials, influence of each opinion, and the Pareto front."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from dcanas.report.figures.canvas import INK, MARKERS, SERIES, axes, cost_axis, legend, series, styled

INFLUENCE = "influence/"


def row_of(trial: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row of `trials` for a trial of `study.json`."""
    opinions = trial.get("why", {}).get("opinions", {})
    value = {"value": trial["values"][0]} if trial["state"] == "complete" else {}
    return {"step": trial["position"] + 1, **value,
            **{INFLUENCE + name: opinion["influence"] for name, opinion in opinions.items()}}


@styled
def trials(rows: Sequence[Mapping[str, Any]], label: str) -> Figure:
    """Return the value of every trial and the best so far; below, influences if the sampler states them.

    Args:
        rows: `step` (from 1), `value` if the trial succeeded, `influence/NAME` of every opinion.
        label: of the values.
    """
    names = list(dict.fromkeys(key.removeprefix(INFLUENCE) for row in rows for key in row if key.startswith(INFLUENCE)))
    figure, panels = axes(2 if names else 1, 4.6 if names else 2.6, sharex=True)
    above, below = panels if names else (panels, panels)
    done = [row for row in rows if "value" in row]
    steps, values = [row["step"] for row in done], [row["value"] for row in done]
    above.plot(steps, values, marker="o", markersize=3, linestyle="none", label="trial", color=SERIES[0])
    above.plot(steps, np.maximum.accumulate(values), label="best so far", drawstyle="steps-post", color=INK)
    above.set_ylabel(label)
    for number, name in enumerate(names):
        chosen = [row for row in rows if INFLUENCE + name in row]
        below.plot([row["step"] for row in chosen], [row[INFLUENCE + name] for row in chosen], label=name,
                   **series(number, len(chosen)))
    if names:
        below.set_ylabel("influence (0 to 1)")
        below.set_ylim(-0.02, 1.02)
    legend(figure)
    below.set_xlabel("trial")
    return figure


@styled
def unbeaten(rows: Sequence[Mapping[str, Any]], costs: Sequence[str], quality: str = "accuracy",
             others: Sequence[Mapping[str, Any]] = ()) -> Figure:
    """Return the accuracy or loss of a front's members over each cost; the knee is the large filled point.

    Args:
        quality: key of the first objective, "accuracy" or "loss".
        others: rows beside the front, with their `kind`; every kind has a marker.
    """
    figure, places = axes(columns=len(costs), height=3.0, sharey=True, squeeze=False)
    kinds = list(dict.fromkeys(row["kind"] for row in others))
    for place, cost in zip(places[0], costs, strict=True):
        for number, kind in enumerate(kinds):
            chosen = [row for row in others if row["kind"] == kind]
            place.scatter([row[cost] for row in chosen], [row[quality] for row in chosen], s=14, linewidths=0,
                          color=SERIES[number], marker=MARKERS[number], label=kind)
        place.scatter([row[cost] for row in rows], [row[quality] for row in rows], edgecolors=SERIES[0],
                      s=[90 if row["knee"] else 36 for row in rows],
                      facecolors=[SERIES[1] if row["knee"] else "none" for row in rows],
                      label="not dominated" if kinds else None)
        cost_axis(place, cost)
    places[0][0].set_ylabel("accuracy (%)" if quality == "accuracy" else "inherited loss (nats)")
    if kinds:
        legend(figure, 3)
    return figure
