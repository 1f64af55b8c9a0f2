"""The searched network compared with the best hand-made one within the same budget."""

from __future__ import annotations

from markupsafe import Markup

from dcanas.report.certificate import comparison_lines, side_by_side
from dcanas.report.html import NOTHING, joined, paragraph, table
from dcanas.report.panels.summary import with_unit
from dcanas.report.record import DeviceRecord, RunRecord


def baseline(record: RunRecord, device: DeviceRecord) -> Markup:
    """Return both networks side by side; nothing if none was compared."""
    certificate = device["certificate"] or {}
    if "comparison" not in certificate:
        return NOTHING
    comparison = certificate["comparison"]
    shares = [("test accuracy, %", [certificate["accuracy"]["value"], comparison["accuracy"]["value"]]),
              ("validation accuracy, %", [comparison["validation_accuracy"][of] for of in ("searched", "baseline")])]
    rows = [[name, "–", *(f"{100 * value:.2f}" for value in values)] for name, values in shares]
    rows += [[with_unit(row), *numbers] for row, *numbers in side_by_side(certificate)]
    return joined([*(paragraph(line.replace("`", "")) for line in comparison_lines(certificate)),
                   table(["", "limit", "searched", comparison["baseline"]["name"]], rows,
                         "Searched and hand-made network, trained by the same recipe"),
                   table(["hand-made network", "family", "validation accuracy, %"],
                         [[row["name"], row["family"], f"{100 * row['validation_accuracy']:.2f}"]
                          for row in comparison["candidates"]],
                         "Hand-made networks tried by short training on the validation split")])
