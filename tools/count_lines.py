"""Counts code lines by room, lists the long files and the cycles of imports.

    python -m tools count_lines
    cd OLD && PYTHONPATH=OLD:NEW python -m tools count_lines      # another checkout, counted by this one's tool

A code line is one that holds code: no docstring, comment or blank line. An import counts wherever it stands, in a
function and under TYPE_CHECKING too; that importing a module also runs the packages above it is not counted.
"""

from __future__ import annotations

import ast
import importlib.util
import io
import tokenize
from collections.abc import Mapping, Set
from pathlib import Path

import grimp

from tools.markdown import print_table

LONGEST = 300  # lines in all, of a file
NO_CODE = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}


def code_lines(text: str) -> int:
    """Return the number of lines of a Python file that hold code."""
    lines = {line for token in tokenize.generate_tokens(io.StringIO(text).readline) if token.type not in NO_CODE
             for line in range(token.start[0], token.end[0] + 1)}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) \
                and ast.get_docstring(node) is not None:
            docstring = node.body[0]
            lines -= set(range(docstring.lineno, (docstring.end_lineno or docstring.lineno) + 1))
    physical = text.splitlines()
    return sum(bool(physical[line - 1].strip()) for line in lines)  # a text over several lines may hold blank ones


def cycles(imports: Mapping[str, Set[str]]) -> list[list[str]]:
    """Return the groups of modules that all reach each other.

    Args:
        imports: module -> the modules that it imports.
    """
    def reached(name: str) -> set[str]:
        found: set[str] = set()
        left = [name]
        while left:
            new = imports[left.pop()] - found
            found |= new
            left += new
        return found

    reach = {name: reached(name) for name in imports}
    groups = {frozenset(other for other in reach[name] if name in reach[other]) for name in imports}
    return sorted(sorted(group) for group in groups if group)


def main() -> None:
    """Print the counts."""
    root = Path(importlib.util.find_spec("dcanas").origin).parents[1]  # type: ignore[union-attr, arg-type]
    files = sorted(path for package in ("dcanas", "tools") for path in (root / package).rglob("*.py"))
    texts = {path.relative_to(root): path.read_text(encoding="utf-8") for path in files}
    lines = {path: code_lines(text) for path, text in texts.items()}
    rooms = {room: [lines[path] for path in lines if path.parts[:-1][:2] == room]
             for room in dict.fromkeys(path.parts[:-1][:2] for path in lines)} | {("**all**",): [*lines.values()]}
    print_table(["room", "files", "code lines"],
                [["/".join(room), len(counts), f"{sum(counts):,}"] for room, counts in rooms.items()])
    long = [f"{path} ({len(text.splitlines())})" for path, text in texts.items() if len(text.splitlines()) > LONGEST]
    print(f"\nFiles over {LONGEST} lines: {', '.join(long) or 'none'}")
    graph = grimp.build_graph("dcanas", cache_dir=None)
    found = cycles({name: graph.find_modules_directly_imported_by(name) for name in graph.modules})
    print(f"Cycles of imports: {len(found) or 'none'}", *(f"  {' <-> '.join(group)}" for group in found), sep="\n")
