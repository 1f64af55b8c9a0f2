"""Text of others (boards, files, names of classes) as a terminal may show it."""

from __future__ import annotations

import sys


def printable(text: str, longest: int | None = None) -> str:
    r"""Return a text without control characters: line ends and tabs become spaces, others their code (`\x1b`).

    Args:
        longest: characters that are kept; None: all.
    """
    kept = text if longest is None else text[:longest]
    return "".join(c if c.isprintable() else " " if c.isspace() else ascii(c)[1:-1] for c in kept)


def printable_lines(text: str) -> str:
    """Return a text of several lines without other control characters."""
    return "\n".join(map(printable, text.split("\n")))


def complain(text: str, who: str = "dcanas") -> None:
    """Print one sentence on the error output, as one line."""
    print(f"{who}: {printable(text)}", file=sys.stderr)
