"""The collapse detector on states whose answer is known."""

from __future__ import annotations

import pytest
import torch

from dcanas.search.gradient.collapse import dominant_eigenvalue, parameter_free_share, warning
from dcanas.spaces import load_space
from dcanas.supernet import Supernet

SPACE = load_space("nasbench201")


def test_the_share_counts_none_skip_and_pooling() -> None:
    """none, skip and avg_pool have no parameters: of none, skip, 1x1, 3x3, pool and skip these are four."""
    net = Supernet(SPACE, channels=4, cells=1, share=True)
    preferred = [0, 1, 2, 3, 4, 1]
    assert parameter_free_share(net, [torch.eye(5)[o] for o in preferred]) == pytest.approx(4 / 6)


def test_power_iteration_finds_the_eigenvalue_of_a_quadratic_form() -> None:
    """x' A x / 2 over two alphas of two numbers; A = diag(1, -5, 2, 0) turned in the plane of the outer two."""
    turn = torch.eye(4, dtype=torch.float64)
    turn[[0, 0, 3, 3], [0, 3, 0, 3]] = torch.tensor([0.6, -0.8, 0.8, 0.6], dtype=torch.float64)
    matrix = turn @ torch.diag(torch.tensor([1.0, -5.0, 2.0, 0.0], dtype=torch.float64)) @ turn.T

    def loss(alphas):
        x = torch.cat(list(alphas))
        return x @ matrix @ x / 2

    alphas = [torch.ones(2, dtype=torch.float64), torch.zeros(2, dtype=torch.float64)]
    assert dominant_eigenvalue(loss, alphas) == pytest.approx(-5.0, rel=1e-3)


def test_what_is_warned_of() -> None:
    calm = [{"epoch": e, "parameter_free_share": 0.5, "alpha_eigenvalue": 1.0} for e in range(1, 8)]
    assert warning(calm) is None
    assert "83 % of the slots prefer an option without parameters" in warning(
        [*calm, {"epoch": 8, "parameter_free_share": 5 / 6}])
    pushed = {"epoch": 8, "parameter_free_share": 1.0, "multiplier/params": 0.2}
    assert warning([*calm, pushed]) is None  # the limit asks for it
    sharper = {"epoch": 8, "parameter_free_share": 0.5, "alpha_eigenvalue": 1.4}
    assert "grew from 1 to 1.4 between epochs 3 and 8" in warning([*calm, sharper])
    assert warning([*calm, sharper | {"alpha_eigenvalue": 1.3}]) is None
