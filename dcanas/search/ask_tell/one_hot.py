"""Architectures as numbers for a surrogate."""

from __future__ import annotations

import numpy as np

from dcanas.spaces import Space


class Features:
    """One-hot options, and how often each option is chosen; of a slot of numbers (widths, depths) the number itself."""

    def __init__(self, space: Space):
        self._columns: list[np.ndarray] = []
        self._counted: dict[str, list[tuple[int, int]]] = {}  # option -> (slot, index) of each occurrence
        for i, slot in enumerate(space.slots):
            if len(slot.options) > 1 and all(option.isdigit() for option in slot.options):
                self._columns.append(np.array([[float(option)] for option in slot.options]))
            else:
                self._columns.append(np.eye(len(slot.options)))
                for o, option in enumerate(slot.options):
                    self._counted.setdefault(option, []).append((i, o))

    def __call__(self, choices: np.ndarray) -> np.ndarray:
        """Shape: (n, slots) option indices -> (n, features) float32."""
        parts = [columns[choices[:, i]] for i, columns in enumerate(self._columns)]
        counts = [sum((choices[:, i] == o).astype(float) for i, o in places)[:, None]
                  for places in self._counted.values() if len(places) > 1]
        return np.concatenate([*parts, *counts], axis=1).astype(np.float32)
