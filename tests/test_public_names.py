"""The page of public names says what the package offers."""

from __future__ import annotations

import re
from pathlib import Path

import dcanas

PAGE = Path(__file__).parents[1] / "docs" / "public-names.md"


def test_the_page_lists_the_names_of_the_package():
    listed = PAGE.read_text(encoding="utf-8").partition("Names of `dcanas` itself:")[2].partition(".\n")[0]
    assert sorted(re.findall(r"`(\w+)`", listed)) == sorted(dcanas.__all__)
    assert all(getattr(dcanas, name) is not None for name in dcanas.__all__)


def test_versions_agree():
    root = PAGE.parents[1]
    stated = re.search(r'^version = "(.+)"', (root / "pyproject.toml").read_text(), re.MULTILINE)[1]
    cited = re.search(r"^version: (.+)$", (root / "CITATION.cff").read_text(), re.MULTILINE)[1]
    assert stated == cited == dcanas.__version__
    assert f"## {stated}" in (root / "CHANGELOG.md").read_text()
