"""Gradients through a step of the weights, against the whole step differentiated as one graph."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch.func import functional_call

from dcanas.search.gradient.second_order import unrolled_gradient
from dcanas.spaces import load_space
from dcanas.supernet import Supernet

SPACE = load_space("nasbench201")
RATE, MOMENTUM, DECAY = 0.05, 0.9, 1e-2


def close(a: list[torch.Tensor], b: list[torch.Tensor], relative: float) -> bool:
    x, y = torch.cat([t.flatten() for t in a]), torch.cat([t.flatten() for t in b])
    return float((x - y).norm() / y.norm()) < relative


@pytest.fixture(scope="module")
def problem():
    """A small supernet in double precision, two batches, momenta as after a step, and the mixing weights."""
    torch.manual_seed(0)
    net = Supernet(SPACE, channels=4, cells=1).double()
    weights = dict(net.named_parameters())
    buffers = {name: 0.1 * torch.randn_like(w) for name, w in weights.items()}
    mixing = [torch.softmax(torch.randn(5).double(), 0).requires_grad_() for _ in SPACE.slots]
    images, labels = torch.randn(2, 16, 3, 8, 8).double(), torch.randint(10, (2, 16))

    def loss(batch: int):
        return lambda w, m: F.cross_entropy(functional_call(net, dict(w), (images[batch], list(m))), labels[batch])

    return loss(0), loss(1), weights, buffers, mixing


def test_exact_is_the_gradient_of_the_whole_unrolled_graph(problem) -> None:
    train, validation, weights, buffers, mixing = problem
    slopes = torch.autograd.grad(train(weights, mixing), list(weights.values()), create_graph=True)
    moved = {name: w - RATE * (MOMENTUM * buffers[name] + g + DECAY * w)
             for (name, w), g in zip(weights.items(), slopes, strict=True)}
    expected = validation(moved, mixing)
    whole = list(torch.autograd.grad(expected, mixing))
    loss, found = unrolled_gradient(train, validation, weights, buffers, mixing, RATE, MOMENTUM, DECAY)
    assert float(loss) == pytest.approx(float(expected.detach()), rel=1e-9)
    assert close(found, whole, 1e-8)


def test_first_order_is_another_gradient(problem) -> None:
    """Or the agreement above would say nothing."""
    _, exact = unrolled_gradient(*problem, RATE, MOMENTUM, DECAY)
    _, validation, weights, _, mixing = problem
    first = list(torch.autograd.grad(validation(weights, mixing), mixing))
    assert not close(first, exact, 5e-2)


def test_a_step_by_hand() -> None:
    """One weight w = 2 and one mixing weight a = 3: L_train = a w^2, L_val = (w' - 1)^2, no momentum or decay.

    w' = w - r 2 a w = 2 - 0.1 * 12 = 0.8; dL_val/da = 2 (w' - 1) * (-r 2 w) = -0.4 * -0.4 = 0.16."""
    w, a = torch.tensor(2.0, requires_grad=True), torch.tensor(3.0, requires_grad=True)
    loss, (slope,) = unrolled_gradient(lambda x, m: m[0] * x["w"] ** 2, lambda x, m: (x["w"] - 1) ** 2 + 0 * m[0],
                                       {"w": w}, {}, [a], 0.1, 0.9, 0.0)
    assert float(loss) == pytest.approx(0.04)
    assert float(slope) == pytest.approx(0.16, rel=1e-4)
