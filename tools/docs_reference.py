"""The generated pages of the docs: settings, commands, device profile, bundle, certificate, as the code says them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from dcanas.basics.fields import Declared, described
from dcanas.cli.catalogue import COMMANDS, HELP
from dcanas.export.bundle import FILES, SUMS
from dcanas.hardware.devices import profiles
from dcanas.hardware.devices.cost_sources import SOURCES
from dcanas.pipeline.command_options import COMMAND_OPTIONS
from dcanas.pipeline.preset_files import GROUPS, preset_names
from dcanas.pipeline.settings import Options, Settings
from dcanas.search.searches import SETTINGS, settings_class

DOCS = Path(__file__).parents[1] / "docs"
MADE = "\n*Generated from the code when the site is built.*\n"
API = ("run", "load", "derive", "feasibility", "score", "Run", "Certificate", "Row", "Accuracy", "Hooks", "UserError",
       "BudgetError", "Stopped")
IN_BUNDLE = {
    "README.md": "how to use the bundle, on one page", "certificate.json": "what was promised, predicted and measured",
    "infer.py": "classifies images; numpy and onnxruntime alone, Pillow to open image files",
    "labels.txt": "names of the classes in the order of the outputs, one a line",
    "model.onnx": "the delivered network: float32 (1, channels, height, width) in [0, 1] to logits",
    "network.py": "the network as Python source, torch alone", "preprocessing.json": "how an image becomes the input: "
    "channels, size [height, width], resample", "test.npz": "test images (uint8) and labels on which the accuracy was "
    "measured", "weights.pt": "its weights, loaded with weights_only=True",
    "network.c": "for a microcontroller: the network in C99",
    "network.h": "for a microcontroller: what `network.c` offers",
    "selftest.c": "for a microcontroller: three images and the bytes that are expected of them",
    "weights.c": "for a microcontroller: weights and tables",
    "weights.h": "for a microcontroller: what `weights.c` holds",
    SUMS: "SHA-256 of all other files",
}


def pages() -> dict[str, str]:
    """Return the content of each generated page by its path below docs/."""
    return {"reference/settings.md": _settings(), "reference/commands.md": _commands(), "reference/api.md": _api(),
            "reference/device-profile.md": _device(), "reference/bundle.md": _bundle(),
            "reference/certificate.md": _certificate(), "changelog.md": _changelog()}


def _changelog() -> str:
    """Return the changelog, whose links are as seen from the top of the repository."""
    text = (DOCS.parent / "CHANGELOG.md").read_text(encoding="utf-8")
    return text.replace("](docs/", "](")


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [list(head), *map(list, rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in line) + " |"
                     for line in lines) + "\n"


def _rows(described_rows: Iterable[tuple[str, Any, Declared]]) -> Iterator[list[str]]:
    for key, default, about in described_rows:
        shown = "null" if default is None else json.dumps(default, default=list, ensure_ascii=False)
        yield [f"`{key}`", f"`{shown}`", "; ".join(filter(None, (about.help, about.allowed)))]


def _settings() -> str:
    head = ("setting", "default", "meaning")
    rows = [row for row in (*described(Settings), *described(Options)) if row[0] != "search"]
    groups = dict.fromkeys(key.partition(".")[0] if "." in key else "" for key, *_ in rows)
    parts = [f"# Settings\n{MADE}\n`dcanas run --cfg` prints them with their values; `group.key=value` states one.\n"]
    for group in groups:
        own = [row for row in rows if (row[0].partition(".")[0] if "." in row[0] else "") == group]
        parts.append(f"## {group or 'Top level'}\n\n{_table(head, _rows(own))}")
    for search in SETTINGS:
        own = [row for row in described(settings_class(search), "search") if row[0] != "search.name"]
        parts.append(f"## search, if search.name={search}\n\n{_table(head, _rows(own))}")
    for command, kind in COMMAND_OPTIONS.items():
        parts.append(f"## Only of dcanas {command}\n\n{_table(head, _rows(described(kind)))}")
    names = _table(("group", "presets"), ([f"`{group}`", ", ".join(f"`{n}`" for n in preset_names(group))]
                                          for group in GROUPS))
    return "\n".join([*parts, f"## Presets\n\n{names}"])


def _commands() -> str:
    parts = [f"# Commands\n{MADE}\n```text\n{HELP}```\n"]
    for name, command in COMMANDS.items():
        text = f"\n```text\n{command.text}\n```\n" if command.text else ""
        usage = f"dcanas {name} {command.usage}".rstrip()
        summary = f"{command.summary[0].upper()}{command.summary[1:]}"
        parts.append(f"## dcanas {name}\n\n{summary}.\n\n```text\n{usage}\n```\n{text}")
    return "\n".join(parts)


def _api() -> str:
    from dcanas.basics import lazy  # the place of each name is that of the package's own imports

    source = (Path(lazy.__file__).parents[1] / "__init__.py").read_text(encoding="utf-8")
    places = {name: line.split()[1] for line in source.splitlines() if line.strip().startswith("from dcanas.")
              and "import" in line for name in line.partition("import ")[2].replace("(", "").split(", ")}
    blocks = [f"::: {places[name]}.{name}\n" for name in API if name in places]
    lists = ", ".join(f"`list_{kind}()`" for kind in ("spaces", "data", "devices", "searches", "recipes",
                                                       "experiments", "proxies", "costs"))
    return f"# Python\n{MADE}\n`import dcanas` gives these names; {lists} return what there is.\n\n" + "\n".join(blocks)


def _device() -> str:
    parts = [f"# Device profile\n{MADE}\nOne YAML file per device in `hardware_profiles/` or in your own folder "
             "([how to write one](../devices.md)).\n"]
    blocks = {"": profiles._DEVICE, "runtime.": profiles._RUNTIME, "connection.": profiles._SSH,
              "board.": profiles._EXPECTED, "processor.": profiles._PROCESSOR}
    for prefix, schema in blocks.items():
        parts.append(f"## {prefix.removesuffix('.') or 'Top level'}\n\n" + _table(("key", "value"), (
            [f"`{prefix}{key}`", text] for key, (_, text) in schema.items())))
    parts.append("## costs\n\n" + _table(("key", "sources"), (
        [f"`costs.{cost}`", ", ".join(words)] for cost, words in SOURCES.items())))
    return "\n".join(parts)


def _bundle() -> str:
    return f"# Bundle\n{MADE}\nA folder that classifies images without this project.\n\n" + _table(
        ("file", "what it is"), ([f"`{name}`", IN_BUNDLE[name]] for name in (*FILES, SUMS)))


def _certificate() -> str:
    schema = json.loads((DOCS / "certificate.schema.json").read_text(encoding="utf-8"))
    parts = [f"# Certificate\n{MADE}\n{schema['description']} "
             "The schema itself: [certificate.schema.json](../certificate.schema.json).\n"]
    for name, part in {"": schema, **schema.get("$defs", {})}.items():
        if "properties" in part:
            needed = part.get("required", ())
            parts.append(f"## {name or 'Top level'}\n\n" + _table(("key", "type", "always", "meaning"), (
                [f"`{key}`", _kind(each), "yes" if key in needed else "", each.get("description", "")]
                for key, each in part["properties"].items())))
    return "\n".join(parts)


def _kind(part: dict[str, Any]) -> str:
    if "$ref" in part:
        return str(part["$ref"]).rpartition("/")[2]
    kind = part.get("type", " or ".join(map(str, part.get("enum", ["any"]))))
    return " or ".join(kind) if isinstance(kind, list) else str(kind)
