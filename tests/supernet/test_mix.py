"""The weighted sum against autograd's own products."""

from __future__ import annotations

import torch

from dcanas.supernet.mix import weighted_sum
from dcanas.supernet.pointwise import Pointwise


def random(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def test_first_and_second_derivatives():
    weights = random(3, seed=0).requires_grad_()
    values = [random(2, 2, 3, 3, seed=k).requires_grad_() for k in (1, 2, 3)]
    wanted = weights[0] * values[0] + weights[1] * values[1] + weights[2] * values[2]
    torch.testing.assert_close(weighted_sum(weights, values), wanted)
    assert torch.autograd.gradcheck(lambda w, *v: weighted_sum(w, v), (weights, *values))
    assert torch.autograd.gradgradcheck(lambda w, *v: weighted_sum(w, v), (weights, *values))


def test_layouts_may_differ():
    weights = random(2, seed=0).requires_grad_()
    layout = torch.channels_last
    values = [random(2, 3, 4, 5, seed=1), random(2, 3, 4, 5, seed=2).contiguous(memory_format=layout)]
    gradient = random(2, 3, 4, 5, seed=3).contiguous(memory_format=layout)
    weighted_sum(weights, values).backward(gradient)
    torch.testing.assert_close(weights.grad, torch.stack([(gradient * value).sum() for value in values]))


def test_pointwise_is_a_convolution():
    torch.manual_seed(0)
    narrow = Pointwise(6, 2).double()
    x = random(2, 6, 4, 5, seed=1)
    torch.testing.assert_close(narrow(x), torch.nn.functional.conv2d(x, narrow.weight[:, :, None, None]))


def test_pointwise_starts_keeping_the_variance():
    torch.manual_seed(0)
    x = torch.randn(32, 64, 8, 8)
    narrow, widen = Pointwise(64, 16), Pointwise(16, 64)
    torch.testing.assert_close(narrow.weight @ narrow.weight.T, torch.eye(16), atol=1e-5, rtol=0)
    assert abs(narrow(x).var().item() - 1) < 0.1
    assert abs(widen(narrow(x)).var().item() - 1) < 0.1
