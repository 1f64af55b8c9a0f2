"""Fronts against areas done by hand, brute force and Optuna's own hypervolume."""

from __future__ import annotations

import numpy as np
import pytest
from optuna._hypervolume import compute_hypervolume

from dcanas.search.pareto import hypervolume, knee, non_dominated


def test_by_hand():
    """Two rectangles to (4, 4): 3 x 1 from (1, 3) and 1 x 3 from (3, 1) overlap in 1 x 1: 3 + 3 - 1 = 5."""
    points = np.array([[1.0, 3], [3, 1], [3, 3], [5, 0]])
    assert non_dominated(points).tolist() == [True, True, False, True]
    assert hypervolume(points, np.array([4.0, 4.0])) == pytest.approx(5)
    assert hypervolume(points, np.array([1.0, 1.0])) == 0


@pytest.mark.parametrize("objectives", [2, 3, 4])
def test_peer_and_sampling(objectives):
    rng = np.random.default_rng(objectives)
    points, reference = rng.random((25, objectives)), np.full(objectives, 1.0)
    found = hypervolume(points, reference)
    assert found == pytest.approx(compute_hypervolume(points, reference))
    drawn = rng.random((2_000, objectives))
    beaten = (points[None] <= drawn[:, None]).all(2).any(1).mean()
    assert found == pytest.approx(beaten, abs=0.05)


def test_the_front_is_what_nothing_dominates():
    points = np.random.default_rng(0).integers(0, 6, (60, 3)).astype(float)  # with ties and doubles
    expected = [not any((q <= p).all() and (q < p).any() for q in points) for p in points]
    assert non_dominated(points).tolist() == expected


@pytest.mark.parametrize("objectives", [2, 3, 4])
def test_points_beyond_the_reference_add_nothing(objectives):
    points, reference = np.random.default_rng(objectives).random((25, objectives)), np.full(objectives, 0.8)
    within = points[(points < 0.8).all(1)]
    assert hypervolume(points, reference) == pytest.approx(compute_hypervolume(within, reference))
    assert hypervolume(np.array([[-1.0, -2.0, -3.0]]), (0, 0, -1)) == 1 * 2 * 2
    assert hypervolume(np.array([[-1.0, 0.0]]), (0, 0)) == 0


def test_equal_points_are_all_on_the_front():
    assert non_dominated(np.array([[1.0, 2], [1, 2], [1, 3]])).tolist() == [True, True, False]


def test_knee():
    """Scaled to the unit square the corners are 1 away from (0, 0), (2, 2) of (0, 10) is 0.28."""
    assert knee(np.array([[0.0, 10], [2, 2], [10, 0]])) == 1
