"""A run compared with its repetition: results that are equal, within tolerance or different, and possible causes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import file_digest
from typing import Any

from dcanas.report.amounts import amount
from dcanas.report.record import DeviceRecord, RunRecord

TOLERANCE = 0.1  # of a measured cost; more than the 95 % intervals of two measurements on a quiet machine
EQUAL, WITHIN, DIFFERENT = "equal", "within tolerance", "different"
MEASURED = ("latency_ms", "latency_p95_ms")
COMPARED = (("architecture", "architecture", "architecture"), ("training curve", "train", "history"),
            ("answers to the test images", "train", "confusion"), ("exported file", "export", "sha256"))


@dataclass(frozen=True)
class Line:
    """One result that was compared: its name, the outcome, and both values, shortened."""

    what: str
    outcome: str
    before: str
    after: str


def compared(first: RunRecord, second: RunRecord) -> list[Line]:
    """Return the comparison of a run with its repetition, from the search to the certificate.

    Computed numbers must be equal to the last bit; measured ones may differ by `TOLERANCE`.
    """
    lines = [_line("range of every cost", first.feasibility, second.feasibility),
             _line("search", first.search, second.search)]
    for before in first.devices:
        after = next((device for device in second.devices if device.name == before.name), None)
        of = f" for {before.name}" if len(first.devices) > 1 else ""
        mine, theirs = before.parts, after.parts if after else {}
        values = {f"{what}{of}": tuple((parts.get(part) or {}).get(key) for parts in (mine, theirs))
                  for what, part, key in COMPARED}
        lines += [_line(f"weights{of}", _digest(before), _digest(after)),
                  *(_line(what, *both) for what, both in values.items()),
                  *_costs(of, mine.get("certificate"), theirs.get("certificate"))]
    return lines


def reasons(first: RunRecord, second: RunRecord) -> list[str]:
    """Return in sentences the differences in circumstances that may explain different results."""
    found = []
    for part in ("versions", "machine"):
        before, now = first.ending.get(part, {}), second.ending.get(part, {})
        found += [f"{name}: {before.get(name)} before, {now.get(name)} now" for name in dict.fromkeys([*before, *now])
                  if before.get(name) != now.get(name)]
    if any(name.endswith(MEASURED) for found in (first.feasibility or {}).values() for name in found["budget"]):
        found.append("a limit on latency was checked with new measurements, which influence the search")
    return found


def _line(what: str, before: Any, after: Any) -> Line:
    return Line(what, EQUAL if before == after and before is not None else DIFFERENT, _short(before), _short(after))


def _costs(of: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> Iterator[Line]:
    rows = {row["name"]: row["measured"] for row in (after or {}).get("rows", ())}
    for row in (before or {}).get("rows", ()):
        mine, theirs = row["measured"], rows.get(row["name"])
        outcome = EQUAL if mine == theirs else DIFFERENT
        if outcome == DIFFERENT and mine and theirs and row["name"] in MEASURED \
                and abs(theirs / mine - 1) <= TOLERANCE:
            outcome = WITHIN
        yield Line(f"{row['name']}{of}", outcome, amount(mine), amount(theirs))


def _digest(device: DeviceRecord | None) -> str | None:
    """Return the SHA-256 of a device's weights, or None if there are none."""
    if device is None or not (device.folder / "weights.pt").is_file():
        return None
    with (device.folder / "weights.pt").open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _short(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, str):
        return value if len(value) <= 40 else f"{value[:39]}…"
    return ""
