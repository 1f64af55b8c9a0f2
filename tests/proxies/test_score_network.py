"""What holds for all proxies: nothing is changed, what is shared is the same as alone, and bad input is told."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
import torch
from proxy_networks import Blocks, small_network
from torch import nn

from dcanas.basics.errors import UserError
from dcanas.proxies import list_proxies, proxies, score_network
from dcanas.spaces import load_space

NAMES = ["acor", "az_expressivity", "az_progressivity", "az_trainability", "epe_nas", "fisher", "flops", "gcor",
         "grad_norm", "grasp", "hessian", "jacob_fro", "jacov", "l2_norm", "meco", "near", "nwot", "params", "phi",
         "plain", "rcor", "snip", "swap", "synflow", "wrcor", "zen", "zico"]


def test_every_proxy_declares_its_facts():
    assert list_proxies() == NAMES
    for name in NAMES:
        facts = proxies[name]
        assert facts.direction in ("higher", "lower")
        assert facts.batch_norm in ("batch", "off", "reset", "not run")
        assert (facts.cost == 0) == (facts.batch_norm == "not run")
        assert "20" in facts.paper or "arXiv" in facts.paper
    for name in ("snip", "grad_norm", "plain", "fisher", "grasp", "epe_nas", "gcor", "rcor", "wrcor", "zico"):
        assert proxies[name].labels, name
    for name in ("jacov", "nwot", "synflow", "zen", "phi", "acor", "swap", "near", "meco", "params", "flops"):
        assert not proxies[name].labels, name


@pytest.mark.parametrize("name", NAMES)
def test_the_network_comes_out_as_it_went_in(batch, name):
    """Weights, buffers, gradients, modes, hooks, in-place flags and random states; one module is in evaluation mode."""
    net = small_network()
    net.blocks[1].eval()
    net.blocks[0][0].weight.requires_grad_(False)
    net.blocks[-1][4].weight.grad = torch.ones_like(net.blocks[-1][4].weight)
    net.register_forward_hook(lambda module, inputs, output: None)

    def state():
        return ({k: v.clone() for k, v in net.state_dict().items()},
                [(p.requires_grad, None if p.grad is None else p.grad.clone()) for p in net.parameters()],
                [(m.training, getattr(m, "inplace", None), len(m._forward_hooks), len(m._forward_pre_hooks),
                  len(m._backward_hooks), "forward" in vars(m)) for m in net.modules()],
                torch.get_rng_state(), np.random.get_state()[1].copy(), torch.is_grad_enabled())

    images, labels = batch[0].clone(), batch[1].clone()
    before = state()
    assert score_network(net, images, labels, [name])[name].status == "ok"
    after = state()
    assert before[0].keys() == after[0].keys()
    assert all(torch.equal(before[0][k], after[0][k]) for k in before[0])
    for (need, grad), (need_after, grad_after) in zip(before[1], after[1], strict=True):
        assert need == need_after
        assert (grad is None and grad_after is None) or torch.equal(grad, grad_after)
    assert before[2] == after[2]
    assert torch.equal(before[3], after[3])
    assert np.array_equal(before[4], after[4])
    assert before[5] == after[5]
    assert torch.equal(images, batch[0])
    assert not images.requires_grad
    assert torch.equal(labels, batch[1])


def test_together_is_the_same_as_alone_in_any_order_and_again(net, batch):
    together = score_network(net, *batch, names=NAMES)
    assert list(together) == NAMES
    again = score_network(net, *batch, names=NAMES[::-1])
    with torch.no_grad():
        alone = {name: score_network(net, *batch, names=name)[name] for name in NAMES}
    for name in NAMES:
        assert together[name].status == "ok", name
        assert together[name].seconds >= 0
        assert again[name].value == together[name].value, name
        assert alone[name].value == pytest.approx(together[name].value, rel=1e-5), name


def test_the_seed_decides_what_is_drawn_and_nothing_else(net, batch):
    drawing = {"zen", "phi", "meco", "az_expressivity", "az_progressivity", "az_trainability"}
    one, other = (score_network(net, *batch, names=NAMES, seed=seed) for seed in (0, 1))
    for name in set(NAMES) - {"hessian"}:
        assert (one[name].value != other[name].value) == (name in drawing), name


SMALL = {"nasbench201": {"channels": 4, "cells": 1}, "darts": {"channels": 4, "cells": 3},
         "mobilenetv2": {"stem": "cifar", "reference": 32}, "mbconv": {"stem": "cifar", "padding": "same"}}


THOROUGH = (pytest.mark.slow, pytest.mark.thorough)


@pytest.mark.parametrize("space_name", [name if name == "nasbench201" else pytest.param(name, marks=THOROUGH)
                                        for name in ("darts", "fbnet", "mbconv", "mobilenetv2", "nasbench201",
                                                     "resnet")])
def test_random_members_have_a_value_or_a_stated_status(space_name):
    """Nothing is NaN without a reason, and scores exist for nearly all of 10 members."""
    members = 10
    space, rng = load_space(space_name), np.random.default_rng(0)
    skeleton = SMALL.get(space_name, {})
    draw = torch.Generator().manual_seed(0)
    images, labels = torch.randn(6, 3, 16, 16, generator=draw), torch.arange(6) % 4
    names = [name for name in NAMES if name not in ("hessian", "jacob_fro")]
    finite = dict.fromkeys(names, 0)
    for _ in range(members):
        torch.manual_seed(0)
        net = space.build(space.sample(rng), **skeleton)
        for name, score in score_network(net, images, labels, names).items():
            assert math.isfinite(score.value) == (score.status == "ok"), (name, score)
            finite[name] += score.ok
    for name, count in finite.items():
        assert name == "az_trainability" or count >= 0.9 * members, (name, count)  # minus infinity past a skip


def test_a_network_without_activations_or_blocks(batch):
    bare = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 6))
    found = score_network(bare, *batch, names=["nwot", "swap", "wrcor", "snip", "az_expressivity"])
    for name in ("nwot", "swap", "wrcor"):
        assert found[name].status == "the network has no activation module (ReLU, SiLU, GELU, ...)"
    assert found["az_expressivity"].status == "the network does not list two blocks with feature maps"
    assert found["snip"].ok
    listed = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 6))
    found = score_network(listed, *batch, names=["wrcor", "rcor"])
    assert found["wrcor"].status == "the network does not list its blocks"
    assert found["rcor"].ok


def test_one_image_missing_labels_and_outputs_that_are_not_finite(net, batch):
    images, labels = batch
    one = score_network(net, images[:1], labels[:1], ["jacov", "params", "synflow", "zico"])
    assert one["jacov"].status == "needs at least 2 images, got 1"
    assert one["zico"].status == "needs at least 4 images, got 1"
    assert one["params"].ok
    assert one["synflow"].ok
    found = score_network(net, images, None, ["snip", "nwot"])
    assert found["snip"].status == "needs labels"
    assert found["nwot"].ok
    broken = copy.deepcopy(net)
    broken.blocks[-1][4].bias.data[0] = math.nan
    found = score_network(broken, images, labels, ["snip", "nwot", "params"])
    assert found["snip"].status == found["nwot"].status == "the network's output is not finite"
    assert math.isnan(found["snip"].value)
    assert found["params"].ok
    assert found["snip"].to_json()["value"] is None


def test_a_dead_network_says_so(batch):
    dead = small_network("|none~0|+|none~0|none~1|+|none~0|none~1|none~2|")
    found = score_network(dead, *batch, names=["synflow", "jacov", "phi"])
    assert found["synflow"].status == "nothing flows from the input to the output"
    assert found["jacov"].status == "an image's gradient is constant, so it correlates with none"
    assert found["phi"].status == "a small change of the images changes nothing in the last feature map"


def test_auxiliary_outputs_are_left_out(batch):
    class Two(Blocks):
        def forward(self, x):
            return super().forward(x), torch.zeros(len(x), 6)

    torch.manual_seed(0)
    layers = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 6))
    names = ["snip", "jacov", "synflow", "zen"]
    one, two = (score_network(kind(layers), *batch, names=names) for kind in (Blocks, Two))
    assert [s.value for s in one.values()] == [s.value for s in two.values()]


@pytest.mark.parametrize(("change", "text"), [
    ({"names": ["synflw"]}, "Unknown proxy 'synflw'; did you mean 'synflow'?"),
    ({"labels": torch.full((12,), 10)}, "Labels must be 0 to 9 for a network of 10 classes, found 10."),
    ({"labels": torch.full((12,), -1)}, "Labels must be 0 to 9 for a network of 10 classes, found -1."),
    ({"labels": torch.zeros(5, dtype=torch.long)}, "Labels must be 12 whole numbers, one per image, got shape (5,) of "
                                                   "int64."),
    ({"images": torch.zeros(12, 3, 8, 8, dtype=torch.uint8)}, "Proxies take images as floats of shape (N, C, H, W), "
                                                              "got (12, 3, 8, 8) of uint8."),
])
def test_bad_input_in_one_sentence(net, batch, change, text):
    asked = {"images": batch[0], "labels": batch[1], "names": ["snip"]} | change
    with pytest.raises(UserError) as error:
        score_network(net, **asked)
    assert str(error.value) == text
