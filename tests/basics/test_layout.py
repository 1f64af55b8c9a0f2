"""Channels-last weights: the same function and the same gradients, also where a kernel of the library is wrong."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from dcanas.basics.layout import to_channels_last


@pytest.mark.parametrize(("channels", "out"), [(2, 1), (4, 8), (6, 6), (8, 4)])
def test_a_strided_pointwise_convolution_keeps_value_and_gradients(channels: int, out: int) -> None:
    torch.manual_seed(0)
    plain = nn.Conv2d(channels, out, 1, stride=2, bias=False)
    exact = copy.deepcopy(plain).double()
    laid_out = to_channels_last(copy.deepcopy(plain))
    for size in (300, 299, 300, 297):  # the wrong kernel shows after some batches, as a crash
        images = torch.randn(size, channels, 8, 7)
        found = laid_out(images.to(memory_format=torch.channels_last))
        expected = exact(images.double())
        torch.testing.assert_close(found.double(), expected, rtol=1e-5, atol=1e-5)
        for network, answer in ((laid_out, found), (exact, expected)):
            network.zero_grad()
            answer.square().mean().backward()
        torch.testing.assert_close(laid_out.weight.grad.double(), exact.weight.grad, rtol=1e-3, atol=1e-5)
    assert list(laid_out.state_dict()) == list(plain.state_dict())


def test_an_export_keeps_the_one_convolution() -> None:
    network = to_channels_last(nn.Sequential(nn.Conv2d(4, 2, 1, stride=2, bias=False)))
    program = torch.export.export(network, (torch.zeros(1, 4, 8, 8),))
    calls = [str(node.target) for node in program.graph.nodes if node.op == "call_function"]
    assert calls == ["aten.conv2d.default"]
