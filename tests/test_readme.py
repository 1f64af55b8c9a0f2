"""The README and the help are short, show what is there, and what they show works as it stands there.

Its lines on photographs are run by tests/cli/test_tutorials.py.
"""

from __future__ import annotations

import re
import shlex
import struct
import tomllib
from pathlib import Path

import pytest

from dcanas.cli.compose import configure
from dcanas.cli.main import COMMANDS, HELP

ROOT = Path(__file__).parents[1]
README, GLANCE = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "docs/at-a-glance.md"))
LINES = re.findall(r"(?:uv run |`|^  |^    |^)dcanas ((?:run|feasibility|derive)(?! *`)[^`\n]*)",
                   README + GLANCE + HELP, re.MULTILINE)


def prose() -> str:
    """Return the README without code, tables and comments."""
    without = re.sub(r"(?ms)^```.*?^```|<!--.*?-->", "", README)
    return "\n".join(line for line in without.splitlines() if not line.startswith(("    ", "|")))


def test_it_is_short_and_begins_with_a_sentence():
    words = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", prose()).split()
    assert len(words) <= 600
    assert not [line for line in README.splitlines()[:40] if re.match(r"\s*([-*+]|\d+\.) ", line)]
    heading, _, sentence = README.partition("\n\n")
    assert heading.startswith("# dcanas")
    assert re.fullmatch(r"[^.]+\.", sentence.partition("\n\n")[0])


def test_links_lead_somewhere():
    targets = re.findall(r"\]\(([^)]+)\)", README)
    assert len(targets) > 15
    assert all((ROOT / target).is_file() for target in targets if not target.startswith("http"))


@pytest.mark.parametrize("name", ["terminal", "report"])
def test_pictures_are_small_files(name):
    content = (ROOT / f"docs/pictures/{name}.png").read_bytes()
    width, height = struct.unpack(">II", content[16:24])
    assert 1000 < width <= 1600
    assert 400 < height <= 1300
    assert len(content) < 250_000


def test_what_an_index_shows_has_neither_pictures_nor_broken_links():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["metadata"]["hooks"]
    shown = README
    for each in settings["fancy-pypi-readme"]["substitutions"]:
        shown = re.sub(each["pattern"], each["replacement"], shown)
    assert "](" not in shown
    assert "picture" not in shown
    assert shown.startswith("# dcanas: budget in, certificate out\n\n`dcanas` finds")
    assert "## Install" in shown
    assert "photographs, a board" in shown.replace("\n", " ")


def test_extras_that_are_named_exist():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    named = re.findall(r"\[(\w+)\]\"|--extra (\w+)", README)
    assert named
    assert {a or b for a, b in named} <= set(extras)


def test_the_python_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", GLANCE, re.DOTALL)
    exec(compile(code, "at-a-glance.md", "exec"), {})
    assert "Counts(params=" in capsys.readouterr().out


@pytest.mark.parametrize("line", LINES)
def test_every_command_line_is_understood(line: str) -> None:
    command, *arguments = shlex.split(line.replace("...", ""), comments=True)
    assert command in COMMANDS
    overrides = [a for a in arguments if not a.startswith(("-", "source=", "measure=")) and a != "photos"]  # a folder
    settings, _ = configure([o if "[" in o else o.split(",")[0] for o in overrides])
    assert settings.budget


def test_some_command_lines_were_found() -> None:
    assert len(LINES) >= 7
