"""The candidates: the pool, the finalists, and why the delivered network was chosen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from dcanas.report.amounts import share
from dcanas.report.figures.candidates import scatter
from dcanas.report.figures.canvas import captioned
from dcanas.report.front import members_of
from dcanas.report.html import NOTHING, code, joined, paragraph, table
from dcanas.report.panels.fronts import front_panel
from dcanas.report.record import DeviceRecord, RunRecord
from dcanas.report.words import cost_words, value_words


def candidates(record: RunRecord, device: DeviceRecord) -> Markup:
    """Return pool, finalists and front; nothing if neither a network was derived nor a pool made."""
    pool, derived = device["pool"] or [], device["architecture"] or {}
    if not pool and not derived:
        return NOTHING
    budget, provenance = record.budget(device.name), derived.get("provenance", {})
    parts = [_why(provenance) if derived else paragraph("The run ended before one of the candidates was chosen.")]
    if pool:
        parts += [_scatter(record, device, pool, budget), _finalists(provenance, derived, pool),
                  _tuned(provenance, derived, pool)]
    return joined(parts)


def other_limits(record: RunRecord, device: DeviceRecord) -> Markup:
    """Return the front of the candidates that were tried, with its sliders; nothing if fewer than two were."""
    return front_panel(device.name, *members_of(device), record.budget(device.name))


def _why(provenance: dict[str, Any]) -> Markup:
    counted = f"{provenance['feasible']:,} of {provenance['members']:,} members are within the budget. " \
        if "feasible" in provenance and "members" in provenance else ""
    pool = f"{provenance['pool']:,} of them were candidates. " if "pool" in provenance else ""
    scores = provenance.get("reranked_by") or []
    ranked = f"They and random members within the budget, {provenance['scored']:,} in all, were ranked by " \
             f"training-free scores ({', '.join(scores)}). " if scores and "scored" in provenance else ""
    again = provenance.get("voted_again_by") or []
    ranked += f"The best of them and the largest were ranked once more ({', '.join(again)}). " if again else ""
    refused = provenance.get("refused_by_measurement") or []
    measured = f"{len(refused)} were rejected because a measurement exceeded a limit. " if refused else ""
    control = "".join(f" {provenance[name]['text']}" for name in ("control", "trust") if name in provenance)
    return paragraph(counted, pool, ranked, measured, Markup("<b>Decided by:</b> "),
                     provenance.get("decided_by", "score"), ".", control)


def _scatter(record: RunRecord, device: DeviceRecord, pool: list[dict[str, Any]],
             budget: Mapping[str, float]) -> Markup:
    cost = next((name for name in budget if name in pool[0]["costs"]), "macs")
    derived = device["architecture"] or {}
    provenance = derived.get("provenance", {})
    tried = {row["architecture"] for row in (*provenance.get("finalists", ()), *provenance.get("tuned", ()))}
    points = {row["architecture"]: (row["costs"][cost], row["score"]) for row in pool}
    groups = {"pool": [point for name, point in points.items() if name not in tried],
              "tried": [point for name, point in points.items() if name in tried]}
    chosen = points.get(derived.get("architecture"))
    score = provenance["scored_by"] if "scored_by" in provenance else \
        "sum of the logarithms of its ranks" if provenance.get("reranked_by") else \
        "accuracy with inherited weights" if device["evaluations"] is not None else \
        "validation accuracy of trial (%)" if record.settings["search"].get("name") == "study" else \
        "score (sum of log weights)"
    study = record.settings["search"].get("name") == "study"
    what, again = ("trials", "trained again as finalists") if study else ("candidates", "tried")
    text = f"{len(pool):,} {what}, {len(groups['tried'])} of them {again}" + (
        f"; the chosen one has {value_words(cost, chosen[0])} {cost_words(cost)} and scores {chosen[1]:.3g}."
        if chosen else ".")
    return captioned(scatter(groups, chosen, budget.get(cost), cost, score), f"pool-{device.name}",
                     "The pool of candidates", text)


def _finalists(provenance: dict[str, Any], derived: dict[str, Any], pool: list[dict[str, Any]]) -> Markup:
    finalists = sorted(provenance.get("finalists", ()), key=lambda row: -row["validation_accuracy"])
    if not finalists:
        return NOTHING
    costs = {row["architecture"]: row["costs"] for row in pool}
    names = list(pool[0]["costs"])
    rows = [[code(row["architecture"]), share(row["validation_accuracy"]), f"{row['validation_loss']:.3f}",
             f"{row['score']:.3f}", row["named_by"],
             *(value_words(name, costs.get(row["architecture"], {}).get(name)) for name in names)]
            for row in finalists]
    marked = [i for i, row in enumerate(finalists) if row["architecture"] == derived["architecture"]]
    return table(["architecture", "accuracy", "loss", "score", "named by", *map(cost_words, names)], rows,
                 "Tried by short training, evaluated on the validation split; the chosen one is marked", marked)


def _tuned(provenance: dict[str, Any], derived: dict[str, Any], pool: list[dict[str, Any]]) -> Markup:
    """Return what successive halving fine-tuned, those that were trained longest first."""
    tuned = sorted(provenance.get("tuned", ()), key=lambda row: (-row["epochs"], -row["validation_accuracy"]))
    if not tuned:
        return NOTHING
    costs = {row["architecture"]: row["costs"] for row in pool}
    names = list(pool[0]["costs"])
    rows = [[code(row["architecture"]), row["kind"], row["epochs"], share(row["validation_accuracy"]),
             f"{row['validation_loss']:.3f}", *(value_words(name, costs[row["architecture"]][name]) for name in names)]
            for row in tuned]
    marked = [i for i, row in enumerate(tuned) if row["architecture"] == derived["architecture"]]
    return table(["architecture", "what it is", "epochs", "accuracy", "loss", *map(cost_words, names)], rows,
                 "Fine-tuned parts of the pretrained network, evaluated on the validation split after so many epochs "
                 "of the recipe's schedule; the worse were dropped, the chosen one is marked", marked)
