"""Robustness of the network, if it was measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from dcanas.report.figures.canvas import captioned
from dcanas.report.figures.robust import withstood
from dcanas.report.html import joined, paragraph, table
from dcanas.report.record import DeviceRecord, RunRecord
from dcanas.report.robustness import COLUMNS, norm_words, notes, rows


def robust(record: RunRecord, device: DeviceRecord) -> Markup:
    """Return accuracy under attack by the size of the attack; nothing if none was made."""
    certificate = device["certificate"] or {}
    evaluations = certificate.get("robustness") or []
    other = (certificate.get("comparison") or {}).get("robustness") or []
    return joined(_evaluation(device, number, found, other[number] if number < len(other) else None)
                  for number, found in enumerate(evaluations))


def _evaluation(device: DeviceRecord, number: int, found: Mapping[str, Any], other: Mapping[str, Any] | None) -> Markup:
    lines = {"searched": _points(found)} | ({"hand-made": _points(other)} if other else {})
    size, worst = lines["searched"][-1]
    text = f"Of {found['n']:,} test images, {worst:.1f} % withstand every attack of size {size:g}/255 " \
           f"({norm_words(found['norm'])}); without an attack {lines['searched'][0][1]:.1f} % are classified correctly."
    drawing = captioned(withstood(lines), f"robust-{device.name}-{number}", "Accuracy under attack by its size", text)
    return joined([drawing, table(COLUMNS, rows(found), "Accuracy after each attack"),
                   *(paragraph(note, kind="faint") for note in notes(found))])


def _points(found: Mapping[str, Any]) -> list[tuple[float, float]]:
    clean = found["results"][0]["clean"]["accuracy"]
    return [(0.0, 100 * clean), *((r["eps_255"], 100 * r["worst_case"]["accuracy"]) for r in found["results"])]
