"""Tables as the pages in docs/ write them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def grid(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table as text."""
    return "\n".join(_line(row) for row in (columns, ["---"] * len(columns), *rows))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table behind an empty line, each row as soon as it is known."""
    print(f"\n{grid(columns, ())}")
    for row in rows:
        print(_line(row), flush=True)


def _line(cells: Sequence[object]) -> str:
    return f"| {' | '.join(map(str, cells))} |"
