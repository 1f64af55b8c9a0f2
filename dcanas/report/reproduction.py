"""A run and the same settings run again: what came out equal, within tolerance or different, and what may be why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import file_digest
from typing import Any

from dcanas.report.certificate import amount
from dcanas.report.record import DeviceRecord, RunRecord

TOLERANCE = 0.1  # of a measured cost; more than the 95 % intervals of two measurements on a quiet machine
EQUAL, WITHIN, DIFFERENT = "equal", "within tolerance", "different"
MEASURED = ("latency_ms", "latency_p95_ms")


@dataclass(frozen=True)
class Line:
    """One thing that was compared: what it is, how it came out, and both values in short."""

    what: str
    outcome: str
    before: str
    after: str


def compared(first: RunRecord, second: RunRecord) -> list[Line]:
    """Return the comparison of a run with its repetition, from the search to the certificate.

    Numbers that are computed must be equal to the last bit; what is measured may differ by `TOLERANCE`.
    """
    lines = [_line("range of every cost", first.feasibility, second.feasibility),
             _line("search", first.search, second.search)]
    for before in first.devices:
        after = next((device for device in second.devices if device.name == before.name), None)
        of = f" for {before.name}" if len(first.devices) > 1 else ""
        mine, theirs = before.parts, after.parts if after else {}
        lines += [_line(f"architecture{of}", _key(mine, "architecture", "architecture"),
                        _key(theirs, "architecture", "architecture")),
                  _line(f"weights{of}", *(_digest(d) for d in (before, after))),
                  _line(f"training curve{of}", _key(mine, "train", "history"), _key(theirs, "train", "history")),
                  _line(f"answers to the test images{of}", _key(mine, "train", "confusion"),
                        _key(theirs, "train", "confusion")),
                  _line(f"exported file{of}", _key(mine, "export", "sha256"), _key(theirs, "export", "sha256")),
                  *_costs(of, mine.get("certificate"), theirs.get("certificate"))]
    return lines


def reasons(first: RunRecord, second: RunRecord) -> list[str]:
    """Return in sentences what differs in the circumstances of two runs and can be why they came out differently."""
    told = [f"{name}: {a} before, {b} now" for part in ("versions", "machine")
            for name, a, b in _changes(first.ending.get(part) or {}, second.ending.get(part) or {})]
    if not first.ending:
        told.append("the first run is of a version that did not record its machine")
    if any(name.endswith(MEASURED) for found in (first.feasibility or {}).values() for name in found["budget"]):
        told.append("a limit on latency was held against new measurements, which steer search and choice")
    return told


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


def _key(parts: Mapping[str, Any], part: str, key: str) -> Any:
    return (parts.get(part) or {}).get(key)


def _digest(device: DeviceRecord | None) -> str | None:
    """Return the hash of a device's weights, or None where there are none."""
    if device is None or not (device.folder / "weights.pt").is_file():
        return None
    with (device.folder / "weights.pt").open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    for name in dict.fromkeys([*before, *after]):
        if before.get(name) != after.get(name):
            yield name, before.get(name), after.get(name)


def _short(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, str):
        return value if len(value) <= 40 else f"{value[:39]}…"
    return ""
