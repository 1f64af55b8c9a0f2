"""What mkdocs calls while it builds the site: generated pages are added, links into the code become file names."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))  # mkdocs runs from anywhere

OUTSIDE = re.compile(r"\[([^\]]+)\]\((?:\.\./)+((?:dcanas|tests|tools|conf|hardware_profiles)[^)#]*|README\.md)\)")


def on_files(files: Any, config: Any) -> Any:
    """Add the generated pages to the site."""
    from mkdocs.structure.files import File

    from tools.docs_reference import pages

    for path, content in pages().items():
        files.append(File.generated(config, path, content=content))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Show files of the repository that are not on the site by their path."""
    return OUTSIDE.sub(r"`\2`", markdown)
