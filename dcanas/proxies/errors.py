"""Networks that have no such score."""

from __future__ import annotations


class UnscorableError(Exception):
    """This network has no such score; the text, a clause, becomes the score's status."""
