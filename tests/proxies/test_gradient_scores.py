"""Scores made of loss gradients, against the same quantity computed another way."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
import torch
from proxy_networks import Blocks, small_network
from torch import nn
from torch.nn import functional as F

from dcanas.proxies import score_network


def value(net, batch, name, seed=0):
    score = score_network(net, *batch, names=[name], seed=seed)[name]
    assert score.status == "ok"
    return score.value


def weights_and_gradients(net, images, labels):
    net.train()
    net.zero_grad()
    F.cross_entropy(net(images), labels).backward()
    layers = [m for m in net.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
    return [(m.weight.detach(), m.weight.grad.clone()) for m in layers]


@pytest.mark.parametrize(("name", "term"), [
    ("snip", lambda w, g: (w * g).abs().sum()),
    ("plain", lambda w, g: (w * g).sum()),
    ("grad_norm", lambda w, g: g.square().sum().sqrt()),
])
def test_sums_over_weights_and_their_gradients(net, batch, name, term):
    expected = sum(float(term(w, g)) for w, g in weights_and_gradients(copy.deepcopy(net), *batch))
    assert value(net, batch, name) == pytest.approx(expected, rel=1e-5)


def test_snip_is_the_gradient_of_a_mask(batch):
    """The published way: masks of ones on the weights, |dL/dmask| summed."""
    torch.manual_seed(0)
    net = Blocks(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 6)))
    conv, linear = net.blocks[0][0], net.blocks[0][4]
    masks = [torch.ones_like(m.weight, requires_grad=True) for m in (conv, linear)]
    images, labels = batch
    hidden = F.conv2d(images, conv.weight.detach() * masks[0], conv.bias).relu().mean((2, 3))
    F.cross_entropy(F.linear(hidden, linear.weight.detach() * masks[1], linear.bias), labels).backward()
    assert value(net, batch, "snip") == pytest.approx(sum(float(m.grad.abs().sum()) for m in masks), rel=1e-5)


def test_grasp_is_a_directional_difference_of_the_gradient(net, batch):
    """H g by central differences along the gradient: (g(w + e g) - g(w - e g)) / 2e, in double precision."""
    net, images = net.double(), batch[0].double()
    pairs = weights_and_gradients(copy.deepcopy(net), images, batch[1])
    step, moved = 1e-5, []
    for sign in (1, -1):
        twin = copy.deepcopy(net)
        layers = [m for m in twin.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
        for layer, (_, g) in zip(layers, pairs, strict=True):
            layer.weight.data += sign * step * g
        moved.append([g for _, g in weights_and_gradients(twin, images, batch[1])])
    product = [(a - b) / (2 * step) for a, b in zip(*moved, strict=True)]
    expected = -sum(float((w * hg).sum()) for (w, _), hg in zip(pairs, product, strict=True))
    assert value(net, (images, batch[1]), "grasp") == pytest.approx(expected, rel=1e-4)


def test_fisher_repeats_a_channel_for_each_of_its_weights(batch):
    """Two layers by hand: channel value = mean over images of (sum over space of act x grad)^2 / 2."""
    torch.manual_seed(0)
    net = Blocks(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 6)))
    images, labels = batch
    act = net.blocks[0][0](images)
    out = net.blocks[0][4](act.relu().mean((2, 3)))
    g_act, g_out = torch.autograd.grad(F.cross_entropy(out, labels), [act, out])
    conv = ((act * g_act).sum((2, 3)) ** 2).mean(0) / 2
    linear = ((out * g_out) ** 2).mean(0) / 2
    expected = float(conv.detach().sum()) * 3 * 3 * 3 + float(linear.detach().sum()) * 4
    assert value(net, batch, "fisher") == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("accumulated", [False, True])
def test_zico_against_numpy(net, batch, accumulated):
    """mean|g| / std(g) over the two halves, zero deviations left out, log of the sum per layer."""
    images, labels = batch
    first, second = ([g.numpy().ravel().astype(float) for _, g in
                      weights_and_gradients(copy.deepcopy(net), images[part], labels[part])]
                     for part in (slice(6), slice(6, 12)))
    total = 0.0
    for a, b in zip(first, second, strict=True):
        both = np.stack([a, a + b if accumulated else b])
        std, mean = both.std(0), np.abs(both).mean(0)
        total += math.log((mean[std > 0] / std[std > 0]).sum())
    assert value(net, batch, "zico:accumulated" if accumulated else "zico") == pytest.approx(total, rel=1e-4)


def test_hessian_against_the_full_matrix(batch):
    """A network of 42 weights whose Hessian fits on a page."""
    torch.manual_seed(0)
    net = Blocks(nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 4, bias=False), nn.Tanh(),
                               nn.Linear(4, 6, bias=False))).double()
    features = batch[0].double().mean((2, 3))

    def loss(flat):
        one, two = flat[:12].view(4, 3), flat[12:].view(6, 4)
        return F.cross_entropy(torch.tanh(features @ one.T) @ two.T, batch[1])

    start = torch.cat([net.blocks[0][2].weight.detach().flatten(), net.blocks[0][4].weight.detach().flatten()])
    matrix = torch.autograd.functional.hessian(loss, start)
    largest = float(torch.linalg.eigvalsh(matrix)[-1])
    assert value(net, (batch[0].double(), batch[1]), "hessian") == pytest.approx(largest, rel=0.05)


def test_synflow_of_a_linear_chain_is_the_path_sum():
    """Without biases each layer's sum |w dR/dw| is R itself, the sum over all paths: log(2 R) for two layers."""
    one, two = torch.tensor([[1.0, -2.0, 3.0]]), torch.tensor([[0.5], [-4.0]])
    net = Blocks(nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 1, bias=False), nn.ReLU(),
                               nn.BatchNorm1d(1), nn.Linear(1, 2, bias=False)))
    net.blocks[0][2].weight.data, net.blocks[0][5].weight.data = one, two
    path_sum = (1 + 2 + 3) * (0.5 + 4)
    score = score_network(net, torch.randn(4, 3, 8, 8), None, ["synflow"])["synflow"]
    assert score.value == pytest.approx(math.log(2 * path_sum), rel=1e-9)


def test_counts_are_the_closed_form():
    """papers.md E.3: 73,306 + 243,040 n3 + 28,000 n1 parameters, 7.78304 + 35.389 n3 + 3.932 n1 million MACs."""
    net = small_network("|nor_conv_3x3~0|+|nor_conv_1x1~0|none~1|+|skip_connect~0|nor_conv_3x3~1|avg_pool_3x3~2|",
                        channels=16, cells=5)
    found = score_network(net, torch.zeros(1, 3, 32, 32), None, ["params", "flops", "l2_norm"])
    assert found["params"].value == pytest.approx((73_306 + 2 * 243_040 + 28_000) / 1e6, rel=1e-12)
    assert found["flops"].value == pytest.approx(7.78304 + 2 * 35.38944 + 3.93216, rel=1e-9)
    layers = [m for m in net.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
    assert found["l2_norm"].value == pytest.approx(
        sum(np.sqrt((m.weight.detach().numpy().astype(float) ** 2).sum()) for m in layers), rel=1e-5)
