"""Figures of a study: what its trials reached, whom it trusted when, and what no other trial beats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from dcanas.costs import cost_unit
from dcanas.report.figures.canvas import INK, SERIES, axes, engineering, legend, series, styled

INFLUENCE = "influence/"


def row_of(trial: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the figure below shows of a trial as `study.json` has it."""
    opinions = trial.get("why", {}).get("opinions", {})
    value = {"value": trial["values"][0]} if trial["state"] == "complete" else {}
    return {"step": trial["position"] + 1, **value,
            **{INFLUENCE + name: opinion["influence"] for name, opinion in opinions.items()}}


@styled
def trials(rows: Sequence[Mapping[str, Any]], label: str) -> Figure:
    """Return the value of every trial and the best so far; where the sampler tells them, influences below.

    rows: `step` (from 1), `value` where the trial succeeded, `influence/NAME` of whoever had a say.
    """
    names = list(dict.fromkeys(key.removeprefix(INFLUENCE) for row in rows for key in row if key.startswith(INFLUENCE)))
    figure, panels = axes(2 if names else 1, 4.6 if names else 2.6, sharex=True)
    above, below = panels if names else (panels, panels)
    told = [row for row in rows if "value" in row]
    steps, values = [row["step"] for row in told], [row["value"] for row in told]
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
def unbeaten(rows: Sequence[Mapping[str, Any]], costs: Sequence[str]) -> Figure:
    """Return the accuracy of a front's members over each cost; the knee is the filled point."""
    figure, places = axes(columns=len(costs), height=3.0, sharey=True, squeeze=False)
    for place, cost in zip(places[0], costs, strict=True):
        place.scatter([row[cost] for row in rows], [row["accuracy"] for row in rows], edgecolors=SERIES[0],
                      facecolors=[SERIES[1] if row["knee"] else "none" for row in rows])
        unit = cost_unit(cost)
        place.set_xlabel(f"{cost} ({unit})" if unit else cost)
        engineering(place.xaxis, unit)
    places[0][0].set_ylabel("accuracy (%)")
    return figure
