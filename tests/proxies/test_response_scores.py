"""Scores made of what activations and images do, against the same quantity computed another way."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
import torch
from proxy_networks import Blocks
from torch import nn
from torch.nn import functional as F

from dcanas.basics.errors import UserError
from dcanas.proxies import score_network
from dcanas.proxies.az_nas import _entropy, _trainability
from dcanas.proxies.near import effective_rank
from dcanas.proxies.shared import Shared


def value(net, batch, name, seed=0):
    score = score_network(net, *batch, names=[name], seed=seed)[name]
    assert score.status == "ok"
    return score.value


def responses(net, images, labels):
    """Return (block, input, gradient of the input) of every ReLU, by torch's own full backward hooks."""
    net = copy.deepcopy(net).train()
    found: dict[nn.Module, list] = {}
    for index, block in enumerate(net.blocks):
        for module in block.modules():
            if isinstance(module, nn.ReLU):
                module.inplace = False
                found[module] = [index]
                module.register_forward_hook(lambda m, i, o: found[m].append(i[0].detach().clone()))
                module.register_full_backward_hook(lambda m, i, o: found[m].append(i[0].detach().clone()))
    F.cross_entropy(net(images), labels).backward()
    return [tuple(entry) for entry in found.values()]


def kernel(matrices):
    return sum(weight * np.abs(np.corrcoef(m.flatten(1).numpy().astype(float))) ** x for weight, m, x in matrices)


@pytest.mark.parametrize(("name", "weight", "x", "parts"), [
    ("acor", lambda i, n: 1, 1, "a"),
    ("gcor", lambda i, n: 1, 1, "g"),
    ("rcor", lambda i, n: 1, 1, "ag"),
    ("wrcor", lambda i, n: 2.0 ** i, 1, "ag"),
    ("wrcor:linear", lambda i, n: i + 1, 1, "ag"),
    ("wrcor:quadratic", lambda i, n: (i + 1) ** 2, 1, "ag"),
    ("wrcor:reversed:0.5", lambda i, n: 2.0 ** (n - 1 - i), 0.5, "ag"),
])
def test_response_correlations_by_definition(net, batch, name, weight, x, parts):
    found = responses(net, *batch)
    assert len(found) >= 7  # three cells' convolutions, two reductions, head
    total = len(net.blocks)
    matrices = [(weight(i, total), a, x) for i, a, _ in found if "a" in parts]
    matrices += [(weight(i, total), g, x) for i, _, g in found if "g" in parts]
    assert value(net, batch, name) == pytest.approx(np.linalg.slogdet(kernel(matrices))[1], rel=1e-4)


def test_independent_responses_give_the_log_of_the_weights():
    """Images whose pixels are rows of a Hadamard matrix correlate not at all: S = N log(sum of weights)."""
    class Beside(nn.Module):
        def __init__(self):
            super().__init__()
            self.relu = nn.ReLU(inplace=True)

        def forward(self, x):
            self.relu(x)
            return x

    hadamard = torch.tensor([[1.0, 1, -1, -1], [1, -1, 1, -1], [1, -1, -1, 1]]).view(3, 1, 2, 2)
    net = Blocks(Beside(), Beside(), Beside())
    for name, weights in (("acor", 3), ("acor:linear", 1 + 2 + 3), ("acor:exponential", 1 + 2 + 4)):
        found = score_network(net, hadamard, None, [name])[name]
        assert found.value == pytest.approx(3 * math.log(weights), rel=1e-9), name


def test_two_equal_images_have_no_response_correlation_score(net, batch):
    images = batch[0].clone()
    images[1] = images[0]
    found = score_network(net, images, batch[1], ["acor", "nwot"])
    assert found["acor"].status.startswith(("two images", "not finite")) or found["acor"].value < -25
    assert "singular" in found["nwot"].status
    assert math.isnan(found["nwot"].value)


@pytest.mark.parametrize("activation", [nn.ReLU, nn.ReLU6, nn.SiLU, nn.GELU, nn.Hardswish])
@pytest.mark.parametrize("inplace", [False, True])
def test_any_activation_in_place_or_not(batch, activation, inplace):
    if inplace and activation is nn.GELU:
        pytest.skip("GELU has no in-place form")
    def build(**options):
        torch.manual_seed(0)
        return Blocks(nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), activation(**options)),
                      nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 6)))
    net = build(inplace=True) if inplace else build()
    before = F.batch_norm(net.blocks[0][0](batch[0]), None, None, training=True).detach()
    on = (before.flatten(1) > 0).numpy()
    agree = np.array([[(a == b).sum() for b in on] for a in on], dtype=float)
    found = score_network(net, *batch, names=["nwot", "acor", "gcor", "rcor", "wrcor", "swap"])
    assert [score.status for score in found.values()] == ["ok"] * 6
    assert found["nwot"].value == pytest.approx(np.linalg.slogdet(agree)[1], rel=1e-9)
    assert found["acor"].value == pytest.approx(
        np.linalg.slogdet(np.abs(np.corrcoef(before.flatten(1).double().numpy())))[1], rel=1e-4)


def test_nwot_and_swap_by_brute_force(net, batch):
    found = [a for _, a, _ in responses(net, *batch)]
    agree, columns = np.zeros((12, 12)), []
    for a in found:
        on = (a.flatten(1) > 0).numpy()
        agree += [[(one == other).sum() for other in on] for one in on]
        columns += [tuple(c) for c in on.T]
    assert value(net, batch, "nwot") == pytest.approx(np.linalg.slogdet(agree)[1], rel=1e-9)
    assert value(net, batch, "swap") == len(set(columns))


def input_gradients(net, images):
    twin, x = copy.deepcopy(net).train(), images.clone().requires_grad_(True)
    twin(x).sum().backward()
    return x.grad.flatten(1).numpy().astype(float)


def test_jacov_and_epe_nas_as_published(net, batch):
    """numpy's corrcoef and the eigenvalues of a general matrix, as in the released code."""
    jacobian = input_gradients(net, batch[0])
    v = np.linalg.eig(np.corrcoef(jacobian))[0].real
    assert value(net, batch, "jacov") == pytest.approx(-np.sum(np.log(v + 1e-5) + 1 / (v + 1e-5)), rel=1e-4)
    labels = batch[1].numpy()
    by_class = [np.log(np.abs(np.corrcoef(jacobian[labels == c])) + 1e-5).sum() for c in range(6)]
    assert value(net, batch, "epe_nas") == pytest.approx(np.abs(by_class).sum(), rel=1e-4)


def test_epe_nas_of_many_classes(batch):
    torch.manual_seed(0)
    net = Blocks(nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                               nn.Linear(8, 101)))
    jacobian, labels = input_gradients(net, batch[0]), batch[1].numpy()
    sums = [np.log(np.abs(np.corrcoef(jacobian[labels == c])) + 1e-5).sum() / 2 for c in range(6)]
    expected = sum(abs(a - b) for a in sums for b in sums) / 6
    assert value(net, batch, "epe_nas") == pytest.approx(expected, rel=1e-3)


def test_jacob_fro_against_torch_func(batch):
    torch.manual_seed(0)
    net = Blocks(nn.Sequential(nn.Conv2d(3, 4, 3), nn.SiLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 6)))
    squares = [float(torch.func.jacrev(lambda x: net(x[None])[0])(image).square().sum()) for image in batch[0]]
    assert value(net, batch, "jacob_fro") == pytest.approx(math.sqrt(np.mean(squares)), rel=1e-5)


def test_jacob_fro_of_many_classes_is_near_the_exact_one(batch):
    """40 outputs that are all alike in law: ten orthonormal directions estimate the square within 40 percent."""
    torch.manual_seed(0)
    net = Blocks(nn.Sequential(nn.Flatten(), nn.Linear(192, 40)))
    exact = float(net.blocks[0][1].weight.detach().norm())
    assert value(net, batch, "jacob_fro") == pytest.approx(exact, rel=0.2)


def test_phi_and_zen_of_one_convolution():
    """y = W x, W and x normal: the change per output is 0.01 sqrt(64) |N(0,1)| on average, of 64 x 8 x 8 outputs.

    zen adds log sqrt(0.81 + 0.19 x 64) of a batch norm of variance 64 seen twice with momentum 0.1, which scales the
    features by 1/8.
    """
    plain = Blocks(nn.Sequential(nn.Conv2d(64, 64, 1)), nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()))
    normed = Blocks(nn.Sequential(nn.Conv2d(64, 64, 1), nn.BatchNorm2d(64)), *plain.blocks[1:])
    images = torch.zeros(32, 64, 8, 8)
    expected = math.log(64 * 64 * 0.01 * 8 * math.sqrt(2 / math.pi))
    assert score_network(plain, images, None, ["phi"])["phi"].value == pytest.approx(expected, abs=0.05)
    found = score_network(normed, images, None, ["phi", "zen"])
    assert found["phi"].value == pytest.approx(expected - math.log(8), abs=0.05)
    assert found["zen"].value - found["phi"].value == pytest.approx(math.log(0.81 + 0.19 * 64) / 2, abs=0.05)


def test_effective_rank():
    assert effective_rank(torch.eye(5)) == pytest.approx(5)
    assert effective_rank(torch.ones(4, 4)) == pytest.approx(1)
    assert effective_rank(torch.zeros(3, 3)) == 0
    shares = np.array([2, 1]) / 3
    expected = math.exp(-(shares * np.log(shares)).sum())
    assert effective_rank(torch.diag(torch.tensor([2.0, 1.0]))) == pytest.approx(expected)


def test_near_sums_over_layers_and_activations(net, batch):
    """At most the number of channels per layer and activation, so at most their sum; at least one each."""
    channels = []
    twin = copy.deepcopy(net).train()
    for m in twin.modules():
        if isinstance(m, (nn.Conv2d, nn.Linear, nn.ReLU)):
            m.register_forward_hook(lambda m, i, o: channels.append(min(o.shape[1], o.numel() // o.shape[1])))
    twin(batch[0])
    assert len(channels) < value(net, batch, "near") <= sum(channels)


def test_meco_against_numpy(net, batch):
    image = Shared(net, batch[0], None, 0, frozenset(), ()).noise("meco", (1, 3, 64, 64))
    smallest, twin = [], copy.deepcopy(net).train()

    def note(module, inputs, output):
        if output.ndim == 4 and output.shape[2:] != (1, 1):
            smallest.append(np.linalg.eigvalsh(np.corrcoef(output[0].flatten(1).numpy().astype(float)))[0])

    for module in twin.modules():
        module.register_forward_hook(note)
    with torch.no_grad():
        twin(image)
    assert len(smallest) > 20
    assert value(net, batch, "meco") == pytest.approx(sum(smallest), rel=1e-4, abs=1e-4)


def test_az_nas_parts():
    """White features of 6 channels have entropy log 6; an orthogonal 1x1 convolution has spectral norm 1."""
    draw = torch.Generator().manual_seed(0)
    white = torch.randn(64, 6, 16, 16, generator=draw)
    assert _entropy(white) == pytest.approx(math.log(6), abs=0.01)
    rotation = torch.linalg.qr(torch.randn(6, 6, generator=draw))[0]
    before = white.requires_grad_(True)
    after = torch.einsum("oc,nchw->nohw", rotation, before)
    assert _trainability(before, after, torch.Generator().manual_seed(0)) == pytest.approx(0, abs=0.01)
    doubled = 2 * after  # s = 2: -2 - 1/2 + 2
    assert _trainability(before, doubled, torch.Generator().manual_seed(0)) == pytest.approx(-0.5, abs=0.05)


def test_options_are_checked(net, batch):
    with pytest.raises(UserError, match="Unknown option of the proxy wrcor 'liner'; did you mean 'linear'"):
        score_network(net, *batch, names=["wrcor:liner"])
    with pytest.raises(UserError, match="snip takes no option"):
        score_network(net, *batch, names=["snip:linear"])
    with pytest.raises(UserError, match="one exponent from 0 to 1, got '2'"):
        score_network(net, *batch, names=["wrcor:2"])


def test_the_last_feature_map_whether_a_module_pools_or_a_function():
    """The same weights and images, pooled by a module and by `mean`: phi and zen are the same."""
    class Mean(nn.Module):
        def forward(self, x):
            return x.mean((2, 3))

    images, found = torch.zeros(8, 3, 8, 8), []
    for pool in (nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()), Mean()):
        net = Blocks(nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU()),
                     nn.Sequential(pool, nn.Linear(8, 4)))
        found.append([score.value for score in score_network(net, images, None, ["phi", "zen"]).values()])
    assert np.isfinite(found[0]).all()
    assert found[0] == found[1]


@pytest.mark.parametrize(("called", "module"), [
    (F.relu, nn.ReLU()), (torch.relu, nn.ReLU()), (lambda x: x.relu(), nn.ReLU()),
    (lambda x: F.relu(input=x, inplace=True), nn.ReLU()), (lambda x: x.relu_(), nn.ReLU()),
    (F.silu, nn.SiLU()), (F.gelu, nn.GELU()), (F.hardswish, nn.Hardswish())])
def test_activations_called_as_functions_are_heard_like_modules(batch, called, module):
    """A residual whose two summands both go through an activation: the same scores whether function or module."""
    class Residual(nn.Module):
        def __init__(self, activation):
            super().__init__()
            self.layer, self.norm, self.activation = nn.Conv2d(3, 3, 3, padding=1), nn.BatchNorm2d(3), activation

        def forward(self, x):
            x = self.activation(self.norm(self.layer(x)))
            return self.activation(self.norm(self.layer(x)) + x)

    found = []
    for activation in (called, module):
        torch.manual_seed(0)
        head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 6))
        net = Blocks(nn.Conv2d(3, 3, 3), Residual(activation), Residual(activation), head)
        found.append(score_network(net, *batch, names=["nwot", "swap", "near", "acor", "gcor", "wrcor", "snip"]))
    for name, score in found[0].items():
        assert score.ok, (name, score.status)
        assert score.value == pytest.approx(found[1][name].value, rel=1e-5), name
