"""Examples from the pages of documentation."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"


def code_of(page: str) -> str:
    """Return the one block of Python on a page of `docs/`."""
    text = (DOCS / f"{page}.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"^```python\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    return code
