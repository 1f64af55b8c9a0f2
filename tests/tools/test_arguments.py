"""Options of tools by their words; the list of tools."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any, Literal

import pytest

from dcanas.basics.errors import UserError
from tools.__main__ import main, tools
from tools.arguments import call

given: dict[str, Any] = {}


def tool(source: Path, *, count: int = 3, rate: float = 0.5, on: bool = False, name: str | None = None,
         kinds: tuple[Literal["a", "b"], ...] = ("a",)) -> None:
    """A tool.

    Args:
        count: how many
    """
    given.update(locals())


@pytest.mark.parametrize(("words", "found"), [
    (["x"], {"source": Path("x"), "count": 3, "rate": 0.5, "on": False, "name": None, "kinds": ("a",)}),
    (["source=x=y"], {"source": Path("x=y")}),
    (["x", "count=12", "rate=1e-3", "on=true", "name=n", "kinds=a,b"],
     {"count": 12, "rate": 1e-3, "on": True, "name": "n", "kinds": ("a", "b")}),
    (["x", "name=none", "kinds=[b]"], {"name": None, "kinds": ("b",)}),
])
def test_words_become_values(words: list[str], found: dict[str, Any]) -> None:
    call(tool, words)
    assert found.items() <= given.items()


@pytest.mark.parametrize(("words", "sentence"), [
    ([], "Missing source=..."),
    (["x", "cout=1"], "Unknown option 'cout'; did you mean 'count'"),
    (["x", "y"], "Unknown option 'y'"),
    (["x", "count=1.5"], "count must be a whole number, not '1.5'"),
    (["x", "rate=much"], "rate must be a number, not 'much'"),
    (["x", "on=yes"], "on must be true or false, not 'yes'"),
    (["x", "kinds=a,c"], "Unknown kinds 'c'"),
])
def test_what_cannot_be_used_is_said(words: list[str], sentence: str) -> None:
    with pytest.raises(UserError) as caught:
        call(tool, words)
    assert sentence in str(caught.value)


@pytest.mark.slow
def test_every_tool_says_what_it_is_for_and_its_options(capsys: pytest.CaptureFixture[str]) -> None:
    for name, line in tools().items():
        assert line.endswith((".", "?")), name
        assert main([name, "--help"]) == 0
        assert f"{name}: {line}" in capsys.readouterr().out


def test_tools_are_listed_and_a_misspelt_one_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in tools())
    assert main(["study_samplin"]) == 2
    assert "did you mean 'study_sampling'?" in capsys.readouterr().err


def test_the_list_imports_no_tool() -> None:
    done = subprocess.run([sys.executable, "-c", "import sys; from tools.__main__ import main; main([]); "
                           "assert not {'torch', 'numpy'} & set(sys.modules)"],
                          cwd=Path(__file__).parents[2], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
