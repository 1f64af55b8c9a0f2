"""A search by trials: what each reached, whom the sampler trusted, and why the best was proposed."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from dcanas.report.figures.canvas import svg
from dcanas.report.figures.studying import INFLUENCE, row_of, trials
from dcanas.report.html import code, figure, joined, more, paragraph, subsection, table
from dcanas.report.record import RunRecord

LISTED = 100  # trials


def study(record: RunRecord) -> Markup:
    """Return what the study did, as far as it got."""
    found = record.search
    told = f"{record.settings['search']['sampler']} proposed " + (
        f"{len(found['trials'])} networks." if found else f"{len(record.search_rows)} networks so far; the study had "
                                                          "not ended.")
    rows = [row_of(trial) for trial in found["trials"]] if found else record.search_rows
    parts = [paragraph(told)]
    done = [row for row in rows if "value" in row]
    if done:
        label = "validation accuracy (%)" if record.settings["search"]["objective"] != "table" else \
            str(record.settings["search"]["column"])
        best = max(done, key=lambda row: row["value"])
        said = f"Best: {best['value']:.4g} in trial {best['step']}."
        weighed = " Below: the influence of the surrogate and of each proxy on the next proposal." \
            if any(key.startswith(INFLUENCE) for row in rows for key in row) else ""
        parts.append(figure(svg(trials(rows, label), "study", "Value of every trial and the best so far", said),
                            f"{said}{weighed}"))
    if found:
        parts += [_why(found["trials"]), _listing(found["trials"])]
    return joined(parts)


def _why(rows: list[dict[str, Any]]) -> Markup:
    """Return whose opinion proposed the best trial; of random ones that it was drawn."""
    best = max((row for row in rows if row["state"] == "complete"), key=lambda row: row["values"][0])
    why = best.get("why", {})
    asked = f" among {why['candidates']:,} candidates" if "candidates" in why else ""
    told = paragraph(f"Trial {best['position'] + 1}, the best, was chosen by {why.get('chosen_by', 'chance')}{asked}.")
    opinions = why.get("opinions")
    if opinions:
        told = joined([told, table(
            ["opinion of", "reliability", "influence", "its rank of this network"],
            [[name, f"{o['reliability']:.3f}", f"{o['influence']:.3f}", f"{o['rank']:,.4g}"]
             for name, o in opinions.items()], "Opinions on the best trial before it was tried")])
    return subsection("Why this one was tried", told)


def _listing(rows: list[dict[str, Any]]) -> Markup:
    ordered = sorted(rows, key=lambda row: -row["values"][0] if row["state"] == "complete" else float("inf"))[:LISTED]
    cells = [[str(row["position"] + 1), code(row["architecture"]),
              f"{row['values'][0]:.4g}" if row["state"] == "complete" else row.get("error", row["state"]),
              f"{row['seconds']:.1f}" if row.get("seconds") is not None else ""] for row in ordered]
    return more(f"The trials, the best {len(cells)} of {len(rows)}" if len(rows) > LISTED else "All trials",
                table(["trial", "architecture", "value", "seconds"], cells, "Trials by falling value"))
