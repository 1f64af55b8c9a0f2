"""Settings, versions and machine of a run, and the command that repeats it."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from dcanas.basics.mapping import flattened
from dcanas.report.html import joined, more, paragraph, setting_text, subsection, table
from dcanas.report.record import RunRecord


def repeat(record: RunRecord) -> Markup:
    """Return command, seeds, versions, machine and settings."""
    ending, settings = record.ending, record.settings
    parts: list[Any] = []
    if "command" in ending:
        parts += [Markup("<pre>{}</pre>").format(ending["command"]), paragraph(
            "The same command in the same directory continues the run or shows its results; ", Markup(
                "<code>dcanas reproduce source={}</code>").format(record.folder.name),
            " repeats the run elsewhere and reports which results are equal.", kind="faint")]
    facts = {"seed": settings["seed"], "split seed": settings["data"]["split_seed"], **ending.get("versions", {}),
             **ending.get("machine", {})}
    facts |= {f"file for {device.name}": f"{found['onnx']}, SHA-256 {found['sha256']}" for device in record.devices
              if (found := device["certificate"])}
    listed = joined(Markup("<div><dt>{}</dt><dd>{}</dd></div>").format(*fact) for fact in facts.items()
                    if fact[1] is not None)
    rows = [[key, setting_text(value)] for key, value in flattened(settings)]
    return joined([*parts, subsection("Seeds, versions, machine", Markup("<dl>{}</dl>").format(listed)),
                   more("All settings", table(["setting", "value"], rows, "Every setting of the run"))])
