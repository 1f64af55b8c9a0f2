"""The searched network compared with the best hand-made one within the same budget."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from dcanas.report.certificate import comparison_lines, side_by_side
from dcanas.report.html import joined, paragraph, table
from dcanas.report.panels.summary import with_unit
from dcanas.report.record import DeviceRecord, RunRecord

TRAINED = {"short": "a fifth of the epochs", "full": "full recipe"}


def baseline(record: RunRecord, device: DeviceRecord) -> Markup:
    """Return both networks side by side; nothing if no comparison was wanted."""
    certificate = device["certificate"] or {}
    words = joined(paragraph(line.replace("`", "")) for line in comparison_lines(certificate))
    if "comparison" not in certificate:
        return words
    comparison = certificate["comparison"]
    validated = "validation accuracy, %" if "splits" not in comparison else "validation accuracy, mean over splits, %"
    shares = [("test accuracy, %", [certificate["accuracy"]["value"], comparison["accuracy"]["value"]]),
              (validated, [comparison["validation_accuracy"][of] for of in ("searched", "baseline")])]
    rows = [[name, "–", *(f"{100 * value:.2f}" for value in values)] for name, values in shares]
    rows += [[with_unit(row), *numbers] for row, *numbers in side_by_side(certificate)]
    parts = [words, table(["", "limit", "searched", comparison["baseline"]["name"]], rows,
                          "Searched and hand-made network, trained by the same recipe")]
    if "splits" in comparison:
        parts.append(_splits(comparison["splits"], comparison["baseline"]["name"]))
    parts.append(table(["hand-made network", "family", "training", "validation accuracy, %"],
                       [[row["name"], row["family"], TRAINED[row.get("recipe", "short")],
                         f"{100 * row['validation_accuracy']:.2f}"] for row in comparison["candidates"]],
                       "Hand-made networks tried on the validation split"))
    return joined(parts)


def _splits(splits: Mapping[str, Any], name: str) -> Markup:
    """Return accuracies on fresh splits with their difference."""
    rows = [[f"split {number}", f"{100 * mine:.2f}", f"{100 * other:.2f}", f"{100 * (mine - other):+.2f}"]
            for number, (mine, other) in enumerate(zip(splits["searched"], splits["baseline"], strict=True), start=1)]
    rows.append(["mean ± standard error", "", "",
                 f"{100 * splits['difference']:+.2f} ± {100 * splits['standard_error']:.2f}"])
    return table(["", "searched, %", f"{name}, %", "difference, points"], rows,
                 "Both networks trained by the same recipe on fresh splits, look-alikes on one side")
