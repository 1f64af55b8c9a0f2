"""Counts code lines by room, lists the long files and the cycles of imports.

    python -m tools count_lines [root=DIR]

A code line is one that holds code: no docstring, comment or blank line. An import counts wherever it stands, in a
function and under TYPE_CHECKING too; `import a.b` and `from a.b import c` are imports of `a.b`, and of `a.b.c` if that
is a module. That importing a module also runs the packages above it is not counted.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

PACKAGES = ("dcanas", "tools")
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


def imports(files: dict[str, Path]) -> dict[str, set[str]]:
    """Return the modules that each module imports; files: module -> file."""
    return {name: set(_imported(ast.parse(path.read_text(encoding="utf-8")), files)) - {name}
            for name, path in files.items()}


def _imported(tree: ast.AST, files: dict[str, Path]) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            inside = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name if name in files else node.module for name in inside]
        else:
            continue
        yield from (name for name in names if name in files)


def cycles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Return the groups of modules that import each other (strongly connected, two or more), after Tarjan (1972)."""
    order: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    found = []

    def visit(name: str) -> None:
        order[name] = lowest[name] = len(order)
        stack.append(name)
        for other in graph[name]:
            if other not in order:
                visit(other)
            if other in stack:
                lowest[name] = min(lowest[name], lowest[other])
        if lowest[name] == order[name]:
            group = stack[stack.index(name):]
            del stack[stack.index(name):]
            if len(group) > 1:
                found.append(sorted(group))

    for name in sorted(graph):
        if name not in order:
            visit(name)
    return found


def modules(root: Path) -> dict[str, Path]:
    """Return the file of each module of the packages below `root`."""
    paths = [path for package in PACKAGES for path in sorted((root / package).rglob("*.py"))]
    return {".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): path for path in paths}


def main(*, root: Path = Path()) -> None:
    """Print the counts.

    Args:
        root: the folder that holds dcanas and tools.
    """
    files = modules(root)
    texts = {name: path.read_text(encoding="utf-8") for name, path in files.items()}
    lines, number = Counter[str](), Counter[str]()
    for name, text in texts.items():
        package, room, *_ = [*name.split("."), ""]
        place = f"{package}/{room}" if (root / package / room).is_dir() and room else package
        lines[place] += code_lines(text)
        number[place] += 1
    print("| room | files | code lines |\n|---|---:|---:|")
    for place in sorted(lines):
        print(f"| {place} | {number[place]} | {lines[place]:,} |")
    print(f"| **all** | {number.total()} | {lines.total():,} |")
    long = [f"{files[name].relative_to(root)} ({len(text.splitlines())})" for name, text in texts.items()
            if len(text.splitlines()) > LONGEST]
    print(f"\nFiles over {LONGEST} lines: {', '.join(long) or 'none'}")
    found = cycles(imports(files))
    print(f"Cycles of imports: {len(found) or 'none'}")
    for group in found:
        print(f"  {' <-> '.join(group)}")
