"""The search for a front that predicts robust accuracy, against random draws and exact volumes."""

from __future__ import annotations

import numpy as np
import pytest

from dcanas.basics.errors import UserError
from dcanas.benchmarks.robust_front import FIRST, Gain, search_front
from dcanas.benchmarks.robustness_features import Features
from dcanas.search.pareto import hypervolume


def test_the_gain_of_a_point_is_the_volume_it_adds() -> None:
    measured = -np.array([[0.5, 0.5, 0.5], [0.9, 0.1, 0.2]])
    candidates = -np.array([[0.6, 0.6, 0.6], [0.4, 0.4, 0.4], [1.0, 1.0, 0.3]])
    gain = Gain(measured, (0, 0, 0), (-1, -1, -1), seed=0)
    exact = [hypervolume(np.vstack([measured, c]), (0, 0, 0)) - hypervolume(measured, (0, 0, 0)) for c in candidates]
    left = 1 - hypervolume(measured, (0, 0, 0))
    assert gain.of(candidates) == pytest.approx(np.array(exact) / left, abs=0.01)
    gain.add(candidates[0])
    assert gain.of(candidates)[0] == 0


def test_predicted_networks_beat_those_drawn_at_random() -> None:
    rng = np.random.default_rng(0)
    values = rng.random((500, 6))
    clean, robust = 60 + 30 * values[:, 0], 40 * values[:, 1] * values[:, 0]
    latency = 1 + 9 * values[:, 2]
    asked: list[int] = []

    def measure(row: int) -> tuple[float, float]:
        asked.append(row)
        return clean[row], robust[row]

    rows = search_front(Features(tuple("abcdef"), values), latency, measure, FIRST + 24, seed=1)
    assert asked == rows
    assert len(set(rows)) == len(rows) == FIRST + 24
    assert rows == search_front(Features(tuple("abcdef"), values), latency, measure, FIRST + 24, seed=1)
    losses = np.column_stack([-clean, -robust, latency])
    found = hypervolume(losses[rows], (0, 0, 10))
    chance = [hypervolume(losses[rng.permutation(500)[:FIRST + 24]], (0, 0, 10)) for _ in range(20)]
    assert found > max(chance)
    with pytest.raises(UserError, match=r"needs more than the 64 evaluations of its first draw .*\(500\), got 64"):
        search_front(Features(tuple("abcdef"), values), latency, measure, FIRST, seed=1)
