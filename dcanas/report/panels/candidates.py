"""The candidates: what was in the pool, who was tried, and why the chosen one was chosen."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from dcanas.costs import cost_unit
from dcanas.report.certificate import amount
from dcanas.report.figures.candidates import scatter
from dcanas.report.figures.canvas import svg
from dcanas.report.front import members_of
from dcanas.report.html import NOTHING, code, figure, joined, more, paragraph, subsection, table
from dcanas.report.panels.fronts import front_panel
from dcanas.report.panels.summary import limit_words
from dcanas.report.record import DeviceRecord, RunRecord

ROWS = 100  # of the pool that are listed


def candidates(record: RunRecord, device: DeviceRecord) -> Markup:
    """Return pool, finalists and front; nothing where no network was derived and no pool was made."""
    pool, derived = device["pool"], device["architecture"]
    if pool is None and derived is None:
        return NOTHING
    provenance = (derived or {}).get("provenance", {})
    parts = [_why(derived, provenance)]
    if pool:
        parts += [_scatter(record, device, pool), _finalists(provenance, derived, pool)]
    else:
        parts.append(paragraph("The pool was not recorded: the score alone decided, or an older version made this run.",
                               kind="faint"))
    budget = ((record.feasibility or {}).get(device.name) or {}).get("budget", {})
    kind, members = members_of(device)
    asked = front_panel(device.name, kind, members, budget)
    if asked:
        parts.append(subsection("Other limits", asked))
    if pool:
        parts.append(_listing(pool, derived))
    return joined(parts)


def _why(derived: Any, provenance: dict[str, Any]) -> Markup:
    if derived is None:
        return paragraph("The choice among the candidates had not been made when the run ended.")
    counted = f"{provenance['feasible']:,} of {provenance['members']:,} members are within the budget. " \
        if "feasible" in provenance and "members" in provenance else ""
    pool = f"{provenance['pool']:,} of them were candidates. " if "pool" in provenance else ""
    voters = provenance.get("reranked_by") or []
    voted = f"Training-free scores ({', '.join(voters)}) voted on them and on random members within the budget, " \
            f"{provenance['scored']:,} in all. " if voters and "scored" in provenance else ""
    again = provenance.get("voted_again_by") or []
    voted += f"The best of them and the largest were voted on once more ({', '.join(again)}). " if again else ""
    refused = provenance.get("refused_by_measurement") or []
    measured = f"{len(refused)} were refused because a measurement broke a limit. " if refused else ""
    return paragraph(counted, pool, voted, measured, Markup("<b>Decided by:</b> "),
                     provenance.get("decided_by", "score"), ".")


def _scatter(record: RunRecord, device: DeviceRecord, pool: list[dict[str, Any]]) -> Markup:
    budget = ((record.feasibility or {}).get(device.name) or {}).get("budget", {})
    cost = next((name for name in budget if name in pool[0]["costs"]), "macs")
    derived = device["architecture"] or {}
    tried = {row["architecture"] for row in derived.get("provenance", {}).get("finalists", ())}

    def point(row: dict[str, Any]) -> tuple[float, float]:
        return row["costs"][cost], row["score"]

    groups = {"pool": [point(row) for row in pool if row["architecture"] not in tried],
              "tried": [point(row) for row in pool if row["architecture"] in tried]}
    chosen = next((point(row) for row in pool if row["architecture"] == derived.get("architecture")), None)
    kind = "vote (sum of log ranks)" if derived.get("provenance", {}).get("reranked_by") else \
        "inherited accuracy" if device["evaluations"] is not None else "score (sum of log weights)"
    told = f"{len(pool):,} candidates, {len(groups['tried'])} of them tried" + (
        f"; the chosen one costs {limit_words(cost, chosen[0])} and scores {chosen[1]:.3g}." if chosen else ".")
    drawing = scatter(groups, chosen, budget.get(cost), (cost, cost_unit(cost)), kind)
    return figure(svg(drawing, f"pool-{device.name}", "The pool of candidates", told), told)


def _finalists(provenance: dict[str, Any], derived: Any, pool: list[dict[str, Any]]) -> Markup:
    finalists = sorted(provenance.get("finalists", ()), key=lambda row: -row["validation_accuracy"])
    if not finalists:
        return NOTHING
    costs = {row["architecture"]: row["costs"] for row in pool}
    names = list(pool[0]["costs"])
    rows = [[code(row["architecture"]), f"{100 * row['validation_accuracy']:.2f}", f"{row['validation_loss']:.4f}",
             f"{row['score']:.3f}", row["named_by"],
             *(amount(costs.get(row["architecture"], {}).get(name)) for name in names)] for row in finalists]
    marked = [i for i, row in enumerate(finalists) if row["architecture"] == derived["architecture"]]
    return table(["architecture", "accuracy, %", "loss", "score", "named by", *names], rows,
                 "Tried by short training, judged on the validation split; the chosen one stands out", marked)


def _listing(pool: list[dict[str, Any]], derived: Any) -> Markup:
    best = sorted(pool, key=lambda row: -row["score"])[:ROWS]
    names = list(pool[0]["costs"])
    marked = [i for i, row in enumerate(best) if derived and row["architecture"] == derived["architecture"]]
    rows = [[code(row["architecture"]), f"{row['score']:.3f}", row["origin"],
             *(amount(row["costs"][name]) for name in names)] for row in best]
    part = f"the best {ROWS} of {len(pool):,}" if len(pool) > ROWS else f"{len(pool):,}"
    return more(f"The pool: {part} candidates",
                table(["architecture", "score", "origin", *names], rows, "Candidates by score", marked))
