"""`dcanas COMMAND --help`: summary, usage and settings of a command."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from dcanas.basics.fields import Declared, described
from dcanas.cli.catalogue import COMMANDS

WIDTH = 120


def command_help(name: str, arguments: Sequence[str] = ()) -> str:
    """Return the help of a command, with the settings of the search that the arguments choose."""
    command = COMMANDS[name]
    lines = [f"dcanas {name}: {command.summary}.", "", f"Usage: dcanas {name} {command.usage}".rstrip()]
    if command.text:
        lines += ["", command.text]
    if command.groups:
        lines += ["", "Settings (--cfg prints all that the run reads, with their values):",
                  *_settings(name, [text for text in arguments if not text.startswith("-")])]
    return "\n".join(lines) + "\n"


def _settings(name: str, overrides: Sequence[str]) -> Iterator[str]:
    """Yield a line per setting in the command's groups: key, default and help."""
    from dcanas.pipeline.command_options import COMMAND_OPTIONS  # here: help without settings imports next to nothing
    from dcanas.pipeline.preset_files import presets
    from dcanas.pipeline.settings import Options, Settings
    from dcanas.search.searches import settings_class

    if name in COMMAND_OPTIONS:
        yield from (_line(*row) for row in described(COMMAND_OPTIONS[name]))
    rows = [row for row in (*described(Settings), *described(Options)) if row[0] != "search"]
    groups = COMMANDS[name].groups or ()
    if "search" in groups:
        chosen = dict(text.split("=", 1) for text in overrides if text.startswith(("search=", "space=")))
        search = presets(chosen)["search"]["name"]
        rows += [row for row in described(settings_class(search), "search") if row[0] != "search.name"]
        yield f"  (search.* of searches of the kind {search}; search=NAME --help shows those of another)"
    for row in rows:
        if row[0].rpartition(".")[0].partition(".")[0] in groups:
            yield _line(*row)


def _line(key: str, default: object, declared: Declared) -> str:
    shown = "null" if default is None else str(default).lower() if isinstance(default, bool) else \
        f"[{', '.join(map(str, default))}]" if isinstance(default, (tuple, list)) else str(default)
    about = "; ".join(part for part in (declared.help, declared.allowed) if part)
    return textwrap.fill(f"  {f'{key}={shown}':<34} {about}".rstrip(), WIDTH, subsequent_indent=" " * 37)
