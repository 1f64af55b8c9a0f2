"""The docs: links are whole, pages short, generated pages as the code is, and messages that are explained exist."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
import yaml

from dcanas.basics.fields import described
from dcanas.cli.catalogue import COMMANDS
from dcanas.pipeline.settings import Options, Settings
from tools.docs_reference import pages

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))
WORDS = 1500


def text(page: str) -> str:
    generated = pages()
    return generated[page] if page in generated else (DOCS / page).read_text(encoding="utf-8")


def prose(page: str) -> str:
    """Return a page without blocks of code, in which brackets are no links."""
    return re.sub(r"(?ms)^```.*?^```|`[^`\n]*`", "", text(page))


def anchors(page: str) -> set[str]:
    """Return what headings are called as anchors."""
    made = set()
    for heading in re.findall(r"(?m)^#+ (.*)$", re.sub(r"(?ms)^```.*?^```", "", text(page))):
        words = re.sub(r"[^\w\s-]", "", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()).strip()
        made.add(re.sub(r"[\s-]+", "-", words))
    return made


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        path = ((DOCS / page).parent / name).resolve() if name else DOCS / page
        inside = path.relative_to(DOCS.resolve()).as_posix() if path.is_relative_to(DOCS.resolve()) else ""
        assert path.exists() or inside in pages(), target
        if anchor:
            assert anchor in anchors(inside), target


def test_pages_are_short():
    long = {page: count for page in PAGES if (count := len(text(page).split())) > WORDS}
    assert not long


def test_every_page_is_reached():
    class Loader(yaml.SafeLoader):
        """YAML with Python's names, which are of no interest here."""

    Loader.add_multi_constructor("tag:yaml.org,2002:python/name:", lambda loader, suffix, node: suffix)
    listed = yaml.load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"), Loader=Loader)["nav"]
    assert set(re.findall(r"[\w/-]+\.md", str(listed))) == {*PAGES, *pages()}


def test_the_reference_holds_every_setting_and_command():
    settings = text("reference/settings.md")
    assert all(f"`{key}`" in settings for key, *_ in (*described(Settings), *described(Options)) if key != "search")
    assert all(f"## dcanas {name}" in text("reference/commands.md") for name in COMMANDS)
    assert "dcanas.api.run.run" in text("reference/api.md")
    assert all(word in text("reference/device-profile.md") for word in ("`runtime.opset`", "`connection.ssh`"))
    assert all(word in text("reference/certificate.md") for word in ("`sha256`", "## row", "## accuracy"))


def test_messages_that_are_explained_exist():
    """What stands between the dots of each message stands in the source, where a text may go on in the next line."""
    source = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "dcanas").rglob("*.py"))
    source = re.sub(r'"\s*\n\s*f?"', "", source)
    missing = []
    for line in text("troubleshooting.md").splitlines():
        for message in re.findall(r"`([^`]+)`", line.partition(" | ")[0]) if line.startswith("| ") else ():
            parts = [part.strip(" .;:") for part in message.split("...")]
            missing += [part for part in parts if len(part) > 10 and part not in source]
    assert not missing


@pytest.mark.parametrize("path", sorted((DOCS / "results").glob("*.csv")), ids=lambda path: path.stem)
def test_tables_for_machines_are_those_of_their_pages(path):
    page = path.with_suffix(".md").read_text(encoding="utf-8")
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    lines = [line for line in page.splitlines() if line.startswith("|")]
    assert len(rows) == len(lines) - 1  # without the line below the head
    assert len({len(row) for row in rows}) == 1
    for row, line in zip(rows[1:], lines[2:], strict=True):
        assert all(cell in line.replace("\\|", "|") for cell in row)
