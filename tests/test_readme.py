"""What the README and the help show works as it stands there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from dcanas.cli.compose import configure
from dcanas.cli.main import COMMANDS, HELP

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
LINES = re.findall(r"(?:uv run |`|^  )dcanas ((?:run|feasibility|derive)[^`\n]*)", README + HELP, re.MULTILINE)


def test_the_python_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    exec(compile(code, "README.md", "exec"), {})
    assert "Counts(params=" in capsys.readouterr().out


@pytest.mark.parametrize("line", LINES)
def test_every_command_line_is_understood(line: str) -> None:
    command, *arguments = shlex.split(line.replace("...", ""))
    assert command in COMMANDS
    overrides = [a for a in arguments if not a.startswith(("-", "source=")) and a != "photos"]  # a folder
    settings, _ = configure([o if "[" in o else o.split(",")[0] for o in overrides])
    assert settings.budget


def test_some_command_lines_were_found() -> None:
    assert len(LINES) >= 8
