"""The searched network compared with the best hand-made one within the same budget."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from dcanas.report.amounts import points, share
from dcanas.report.certificate import comparison_lines, side_by_side
from dcanas.report.delivery import RIVAL, SEARCHED, recommended, sides
from dcanas.report.difference import difference
from dcanas.report.html import joined, paragraph, table
from dcanas.report.record import DeviceRecord, RunRecord
from dcanas.report.words import cost_words

TRAINED = {"short": "a fifth of the epochs", "full": "full recipe"}


def baseline(record: RunRecord, device: DeviceRecord) -> Markup:
    """Return both networks side by side; nothing if no comparison was wanted."""
    certificate = device["certificate"] or {}
    words = joined(paragraph(line) for line in comparison_lines(certificate))
    if "comparison" not in certificate:
        return words
    comparison, networks = certificate["comparison"], sides(certificate)
    name, found = comparison["baseline"]["name"], difference(comparison)
    validated = "validation accuracy" if "splits" not in comparison else "validation accuracy, mean over splits"
    tested = [networks[which]["accuracy"]["value"] for which in (SEARCHED, RIVAL)]
    both = [comparison["validation_accuracy"][of] for of in ("searched", "baseline")]
    rows = [[validated, "–", *map(share, both), found.words],
            ["test accuracy (decides nothing)", "–", *map(share, tested), f"{points(tested[0] - tested[1])} points"]]
    rows += [[cost_words(row["name"]), *numbers, ""] for row, *numbers in side_by_side(certificate)]
    shipped = {which: " (shipped)" if which == recommended(certificate) else "" for which in (SEARCHED, RIVAL)}
    parts = [table(["", "limit", f"searched{shipped[SEARCHED]}", f"{name}{shipped[RIVAL]}", "searched minus hand-made"],
                   rows, f"Searched and hand-made network, trained by the same recipe; difference {found.images}"),
             words]
    if "splits" in comparison:
        parts.append(_splits(comparison["splits"], name))
    parts.append(table(["hand-made network", "family", "training", "validation accuracy"],
                       [[row["name"], row["family"], TRAINED[row.get("recipe", "short")],
                         share(row["validation_accuracy"])] for row in comparison["candidates"]],
                       "Hand-made networks tried on the validation split"))
    return joined(parts)


def _splits(splits: Mapping[str, Any], name: str) -> Markup:
    """Return accuracies on fresh splits with their difference."""
    rows = [[f"split {number}", share(mine), share(other), points(mine - other)]
            for number, (mine, other) in enumerate(zip(splits["searched"], splits["baseline"], strict=True), start=1)]
    rows.append(["mean ± standard error", "", "",
                 f"{points(splits['difference'])} ± {100 * splits['standard_error']:.1f}"])
    return table(["", "searched", name, "difference, points"], rows,
                 "Both networks trained by the same recipe on fresh splits, look-alikes on one side")
