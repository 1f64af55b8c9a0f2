"""Confusion matrices as they are stored: of many classes without the zeros, which are nearly all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

PACKED = 100  # classes; of more only what is not 0 is stored


def packed_confusion(confusion: Sequence[Sequence[int]]) -> Any:
    """Return a confusion matrix as it is stored: of many classes only what is not 0, as texts "TRUE ANSWER IMAGES"."""
    if len(confusion) <= PACKED:
        return confusion
    return {"classes": len(confusion), "counts": [f"{true} {answer} {count}" for true, row in enumerate(confusion)
                                                  for answer, count in enumerate(row) if count]}


def unpacked_confusion(stored: Any) -> list[list[int]]:
    """Return the confusion matrix that was stored (see `packed_confusion`); raises `ValueError` if it is none."""
    if isinstance(stored, list):
        return stored
    size = int(stored["classes"])
    found = [[0] * size for _ in range(size)]
    for entry in stored["counts"]:
        true, answer, count = map(int, entry.split())
        found[true][answer] = count
    return found
