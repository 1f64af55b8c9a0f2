"""What a run was made with, and the command that makes it again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from markupsafe import Markup

from dcanas.report.html import definitions, joined, more, paragraph, subsection, table
from dcanas.report.record import RunRecord


def repeat(record: RunRecord) -> Markup:
    """Return command, seeds, versions, machine and settings."""
    certificate = next((d["certificate"] for d in record.devices if d["certificate"]), None) or {}
    ending, settings = record.ending, record.settings
    command = ending.get("command") or certificate.get("command")
    parts: list[Any] = []
    if command:
        parts += [Markup("<pre>{}</pre>").format(command), paragraph(
            "The same command in the same directory continues or shows what is done; ", Markup(
                "<code>dcanas reproduce source={}</code>").format(record.folder.name),
            " makes the run again elsewhere and tells what came out equal.", kind="faint")]
    versions = ending.get("versions") or certificate.get("versions") or {}
    machine = ending.get("machine") or {}
    facts = [("seed", settings["seed"]), ("split seed", settings["data"]["split_seed"]),
             *((f"{name}", version) for name, version in versions.items()),
             *((name, value) for name, value in machine.items() if value is not None)]
    for device in record.devices:
        found = device["certificate"]
        if found:
            facts.append((f"file for {device.name}", f"{found['onnx']}, SHA-256 {found['sha256']}"))
    rows = [[key, "–" if value is None else str(value)] for key, value in flattened(settings)]
    flat = table(["setting", "value"], rows, "Every setting of the run")
    return joined([*parts, subsection("Seeds, versions, machine", definitions(facts)), more("All settings", flat)])


def flattened(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield settings under their dotted names."""
    for key, value in settings.items():
        if isinstance(value, Mapping) and value:
            yield from flattened(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
