"""Code lines and cycles of imports, counted by hand."""

from __future__ import annotations

from pathlib import Path

from tools.count_lines import code_lines, cycles, imports, modules

TEXT = '''"""What it
is for."""

import os  # a comment behind code


# a comment
class A:
    """One line."""

    text = """two

    lines"""

    def f(self):
        """Several

        lines."""
        return (1 +
                2)
'''


def test_docstrings_comments_and_blank_lines_do_not_count() -> None:
    """import, class, text (2 lines and a blank one), def, return (2 lines)."""
    assert code_lines(TEXT) == 7


def test_imports_in_functions_and_for_type_checking_close_a_cycle(tmp_path: Path) -> None:
    files = {
        "dcanas/__init__.py": "",
        "dcanas/a.py": "import dcanas.b\n",
        "dcanas/b.py": "def f():\n    from dcanas import c\n",
        "dcanas/c.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from dcanas.a import x\n",
        "dcanas/d.py": "from dcanas.a import x\n",
        "tools/__init__.py": "from dcanas.d import y\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    found = modules(tmp_path)
    assert sorted(found) == ["dcanas", "dcanas.a", "dcanas.b", "dcanas.c", "dcanas.d", "tools"]
    assert imports(found)["dcanas.b"] == {"dcanas.c"}
    assert cycles(imports(found)) == [["dcanas.a", "dcanas.b", "dcanas.c"]]
