"""A certificate on a terminal, in full."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dcanas.basics.hooks import Hooks
from dcanas.report.amounts import amount
from dcanas.report.certificate import accuracy_lines, comparison_lines, met_word, predicted_words, quality_lines
from dcanas.report.robustness import show_robustness


def show_certificate(hooks: Hooks, certificate: Mapping[str, Any]) -> None:
    """Show a certificate with exact values, its robustness and its comparison."""
    accuracy = certificate["accuracy"]
    rows = [[row["name"], amount(row["limit"]), predicted_words(row), amount(row["measured"]), met_word(row),
             row["source"]] for row in certificate["rows"]]
    hooks.table(f"{certificate['device']}: {certificate['architecture']}",
                ["cost", "limit", "predicted", "measured", "met", "source"], rows)
    for found in certificate.get("robustness", ()):
        show_robustness(hooks, certificate["device"], found)
    for line in quality_lines(certificate):
        hooks.message(line)
    hooks.message("\n".join([
        f"Test accuracy {100 * accuracy['value']:.2f} % (95 % interval {100 * accuracy['low']:.2f} to "
        f"{100 * accuracy['high']:.2f} %, {accuracy['correct']} of {accuracy['n']} images).",
        *accuracy_lines(certificate), *comparison_lines(certificate)]))
