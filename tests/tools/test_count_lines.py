"""Code lines and cycles of imports, counted by hand."""

from __future__ import annotations

from tools.count_lines import code_lines, cycles

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


def test_modules_that_reach_each_other_are_a_cycle() -> None:
    assert cycles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a", "e"}, "e": set()}) == [["a", "b", "c"]]
    assert cycles({"a": {"b"}, "b": set()}) == []
    assert cycles({"a": {"b"}, "b": {"a"}, "c": {"d"}, "d": {"c"}}) == [["a", "b"], ["c", "d"]]
