"""Command lines in the README and the docs: the command exists, and so does every setting that is given."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from dcanas.cli.catalogue import COMMANDS
from dcanas.cli.completion import _keys
from dcanas.pipeline.command_options import COMMAND_OPTIONS
from dcanas.pipeline.preset_files import GROUPS

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "docs/how-to").glob("*.md")),
         *sorted((ROOT / "docs/tutorials").glob("*.md"))]
OPEN = ("-", "budget.", "space.", "KEY", "hydra.")  # beginnings of keys that are not listed, or of placeholders
LINE = re.compile(r"^(?:    |\$ )?(?:uv run )?dcanas ([a-z]\w*(?: .*)?)$")


def lines():
    for page in PAGES:
        text = page.read_text(encoding="utf-8").replace("\\\n", " ")
        for line in text.splitlines():
            for found in filter(None, (LINE.match(line), *map(LINE.match, re.findall(r"`([^`\n]+)`", line)))):
                yield pytest.param(found[1].partition("  #")[0], id=f"{page.stem}: {found[1][:60]}")


@pytest.mark.parametrize("line", list(lines()))
def test_a_command_of_the_docs_is_known(line):
    command, *words = shlex.split(re.sub(r"<[^>]*>", "X", line).replace("...", ""), comments=True)
    assert command in COMMANDS or command == "help"
    elsewhere = any(word.startswith(("onnx=", "to=")) for word in words)  # commands with words of their own
    if command == "help" or COMMANDS[command].groups is None or elsewhere:
        return
    own = {field for kind in COMMAND_OPTIONS.values() for field in kind.__dataclass_fields__}
    known = {*_keys(), *GROUPS, *own, "budget", "data", "device", "default_budget"}
    for word in words:
        key, equals, _ = word.lstrip("+~[").partition("=")
        if equals and not key.startswith(OPEN):
            assert key in known or any(name.startswith(f"{key}.") for name in known), word


def test_they_were_found():
    assert sum(1 for _ in lines()) > 50
