"""What the network withstands, where that was measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from dcanas.report.figures.canvas import svg
from dcanas.report.figures.robust import withstood
from dcanas.report.html import NOTHING, figure, joined, paragraph, table
from dcanas.report.record import DeviceRecord, RunRecord
from dcanas.report.robustness import COLUMNS, notes, rows


def robust(record: RunRecord, device: DeviceRecord) -> Markup:
    """Return accuracy under attack by the size of the attack; nothing where none was made."""
    certificate = device["certificate"] or {}
    evaluations = certificate.get("robustness") or []
    other = (certificate.get("comparison") or {}).get("robustness") or []
    return joined(_evaluation(device, number, found, other[number] if number < len(other) else None)
                  for number, found in enumerate(evaluations)) if evaluations else NOTHING


def _evaluation(device: DeviceRecord, number: int, found: Mapping[str, Any], other: Mapping[str, Any] | None) -> Markup:
    lines = {"searched": _points(found)} | ({"hand-made": _points(other)} if other else {})
    size, worst = lines["searched"][-1]
    told = f"Of {found['n']:,} test images, {worst:.1f} % withstand every attack of size {size:g}/255 " \
           f"({found['norm']}); without any {lines['searched'][0][1]:.1f} % are right."
    drawing = svg(withstood(lines), f"robust-{device.name}-{number}", "Accuracy under attack by its size", told)
    return joined([figure(drawing, told), table(COLUMNS, rows(found), "What withstands each attack"),
                   *(paragraph(note, kind="faint") for note in notes(found))])


def _points(found: Mapping[str, Any]) -> list[tuple[float, float]]:
    clean = found["results"][0]["clean"]["accuracy"]
    return [(0.0, 100 * clean), *((r["eps_255"], 100 * r["worst_case"]["accuracy"]) for r in found["results"])]
