"""A table of runs for other programs: one row per run and device, in CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dcanas.basics.files import write_text
from dcanas.report.delivery import RIVAL, Delivery, delivery
from dcanas.report.difference import difference
from dcanas.report.record import DeviceRecord, RunRecord
from dcanas.report.robustness import worst_case
from dcanas.report.several import differing, run_names


def write_table(records: Sequence[RunRecord], path: Path) -> int:
    """Write the table of runs and return the number of its rows.

    Seed and name come first, then what is shipped, then the settings in which the runs differ.
    """
    settings = {key: values for key, values in differing(records).items() if key != "seed"}
    names = run_names(records) if len(records) > 1 else [record.name for record in records]
    rows = []
    for i, (name, record) in enumerate(zip(names, records, strict=True)):
        own = {key: values[i] for key, values in settings.items()}
        first = {"seed": record.settings["seed"], "name": name, "directory": str(record.folder),
                 "state": record.ending.get("state")}
        rows += [{**first, "device": device.name, **_shipped(record, device), **own} for device in record.devices] or \
            [{**first, **own}]
    columns = list(dict.fromkeys(key for row in rows for key in row if key not in settings))
    content = io.StringIO()
    writer = csv.DictWriter(content, [*columns, *settings], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, content.getvalue())
    return len(rows)


def _shipped(record: RunRecord, device: DeviceRecord) -> dict[str, Any]:
    """Return what is known of the network that a run ships for a device, in base units and shares of 1."""
    shipped = delivery(record, device)
    if shipped is None:
        return {}
    certificate, accuracy = shipped.certificate, shipped.certificate["accuracy"]
    made: dict[str, Any] = {
        "which": shipped.which, "met": _met(shipped), "accuracy": accuracy["value"], "accuracy_low": accuracy["low"],
        "accuracy_high": accuracy["high"], "test_images": accuracy["n"],
        **{row["name"]: row["measured"] for row in certificate["rows"]},
        **{f"limit.{row['name']}": row["limit"] for row in certificate["rows"] if row["limit"] is not None}}
    if certificate.get("robustness"):
        made["robust_accuracy"] = worst_case(certificate["robustness"][-1])["accuracy"]
    if comparison := certificate.get("comparison"):
        found = difference(comparison)
        found = found.turned() if shipped.which == RIVAL else found
        made |= {"rival": comparison["baseline"]["name"], "over_other": found.value, "over_other_low": found.low,
                 "over_other_high": found.high}
    return {**made, "space": certificate["space"], "architecture": certificate["architecture"],
            "bundle": str(shipped.bundle)}


def _met(shipped: Delivery) -> str:
    """Return yes, no or unverified."""
    found = {row["met"] for row in shipped.certificate["rows"]}
    return "no" if False in found else "unverified" if "unverified" in found else "yes"
