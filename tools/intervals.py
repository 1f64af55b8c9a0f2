"""Intervals as text: Student's over limits or seeds."""

from __future__ import annotations

import numpy as np

from dcanas.benchmarks.leaderboard import student_interval


def student(differences: np.ndarray) -> str:
    """Return the mean of paired differences with Student's 95 % interval. Shape: (n,)."""
    low, high = student_interval(differences)
    return f"{differences.mean():+.2f} ({low:+.2f} to {high:+.2f})"
