"""A search by trials: their values, the influence of each opinion, and why the best was proposed."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from dcanas.report.amounts import duration
from dcanas.report.figures.canvas import captioned
from dcanas.report.figures.studying import INFLUENCE, row_of, trials
from dcanas.report.html import code, joined, more, paragraph, subsection, table
from dcanas.report.record import RunRecord

LISTED = 100  # trials


def study(record: RunRecord) -> Markup:
    """Return what the study did, as far as it got."""
    found = record.search
    rows = [row_of(trial) for trial in found["trials"]] if found else record.search_rows
    done = [row for row in rows if "value" in row]
    failed = len(rows) - len(done)
    parts = [paragraph(f"The sampler {record.settings['search']['sampler']} proposed {len(rows)} networks, one trial "
                       f"each{'' if found else ' so far; the study had not ended'}: {len(done)} have a value"
                       f"{f', {failed} failed or were not tried' if failed else ''}.")]
    if done:
        label = "validation accuracy (%)" if record.settings["search"]["objective"] != "table" else \
            str(record.settings["search"]["column"])
        best = max(done, key=lambda row: row["value"])
        text = f"The best value, {_value(record, best['value'])}, is of trial {best['step']} of {len(rows)}."
        weighed = " Below: the influence of the surrogate and of each proxy on the next proposal." \
            if any(key.startswith(INFLUENCE) for row in rows for key in row) else ""
        parts.append(captioned(trials(rows, label), "study", "Value of every trial and the best so far", text,
                               f"{text}{weighed}"))
    if found:
        parts += [_why(found["trials"]), _listing(record, found["trials"])]
    return joined(parts)


def _value(record: RunRecord, value: float) -> str:
    """Return the value of a trial: an accuracy in per cent, unless a table's column is asked for."""
    return f"{value:.4g}" if record.settings["search"]["objective"] == "table" else f"{value:.1f} %"


def _why(rows: list[dict[str, Any]]) -> Markup:
    """Return the opinions that proposed the best trial; of a random one, that it was drawn."""
    best = max((row for row in rows if row["state"] == "complete"), key=lambda row: row["values"][0])
    why = best.get("why", {})
    asked = f" among {why['candidates']:,} candidates" if "candidates" in why else ""
    by = why.get("chosen_by", "chance")
    chance = by in ("random", "chance")
    parts = [paragraph(f"Trial {best['position'] + 1}, the best, was drawn by chance." if chance else
                       f"Trial {best['position'] + 1}, the best, was proposed by {by}{asked}.")]
    if "opinions" in why:
        parts.append(table(
            ["opinion of", "reliability", "influence", "its rank of this network"],
            [[name, f"{o['reliability']:.3f}", f"{o['influence']:.3f}", f"{o['rank']:,.4g}"]
             for name, o in why["opinions"].items()], "Opinions on the best trial before it was tried"))
    return subsection("Why this one was tried", *parts)


def _listing(record: RunRecord, rows: list[dict[str, Any]]) -> Markup:
    ordered = sorted(rows, key=lambda row: -row["values"][0] if row["state"] == "complete" else float("inf"))[:LISTED]
    cells = [[str(row["position"] + 1), code(row["architecture"]),
              _value(record, row["values"][0]) if row["state"] == "complete" else row.get("error", row["state"]),
              duration(row["seconds"]) if row.get("seconds") is not None else ""] for row in ordered]
    return more(f"The trials, the best {len(cells)} of {len(rows)}" if len(rows) > LISTED else "All trials",
                table(["trial", "architecture", "value", "time"], cells, "Trials by falling value"))
