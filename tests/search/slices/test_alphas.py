"""Relaxed slices at one-hot alphas against the slices themselves; alphas under a limit."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from dcanas.basics.hooks import QUIET
from dcanas.costs import Budget, count_costs
from dcanas.hardware.latency.source import LatencySources
from dcanas.pretrained import PretrainedParts, PretrainedSettings, load_pretrained
from dcanas.search.slices.alphas import Alphas, alphas_images, learnt_alphas
from dcanas.search.slices.frames import Frame
from dcanas.search.slices.programme import FrameLimits
from dcanas.search.task import Target
from dcanas.spaces.mbconv import KINDS
from dcanas.supernet import ElasticSupernet
from dcanas.training import DataSpec, load_data


@pytest.fixture(scope="module")
def parts() -> PretrainedParts:
    return PretrainedParts(load_pretrained(PretrainedSettings("efficientnet_lite0")))


@pytest.fixture(scope="module")
def supernet(parts) -> ElasticSupernet:
    torch.manual_seed(0)
    return ElasticSupernet(parts, 10, 3, **parts.pretrained.skeleton).eval()


def limits_of(parts, macs: float, *frames: Frame) -> list[FrameLimits]:
    costs = count_costs(parts, (3, 32, 32), 10, **parts.pretrained.skeleton)
    return [FrameLimits(frame, Target("none", Budget(macs=macs), costs, LatencySources({}))) for frame in frames]


def one_hot(alphas: Alphas, frame: Frame, arch) -> dict[str, torch.Tensor]:
    """Alphas that have decided for a slice."""
    soft = {name: torch.zeros(len(value)) for name, value in alphas.logits.items()}
    for slot, (expansions, kernels, _) in alphas.blocks.items():
        kind = KINDS.get(frame.space.slots[slot].options[arch.choices[slot]])
        soft[f"gate{slot}"][-1 if kind else 0] = 1.0
        soft[f"t{slot}"][expansions.index(kind.expansion) if kind else -1] = 1.0
        soft[f"k{slot}"][kernels.index(kind.kernel) if kind else -1] = 1.0
    return soft


def test_decided_alphas_are_the_slice_and_its_costs(parts, supernet) -> None:
    frame = Frame(parts, 5, 32)
    (limits,) = limits_of(parts, 4e6, frame)
    alphas, rng, images = Alphas([limits]), np.random.default_rng(0), torch.randn(4, 3, 32, 32)
    for _ in range(4):
        arch = frame.space.sample(rng)
        soft = one_hot(alphas, frame, arch)
        with torch.no_grad():
            masked = supernet.masked(images, frame.largest, alphas.masks(soft, 0))
            torch.testing.assert_close(masked, supernet(images, arch), rtol=0, atol=1e-4)
            probabilities = alphas.probabilities(soft, 0)
        cost, _ = limits.limits[0]
        assert float(cost.expected(probabilities)) == pytest.approx(cost.value(arch))
        assert all(float(row.sum()) == pytest.approx(1) for row in probabilities)


@pytest.mark.parametrize("count", [3, pytest.param(100, marks=(pytest.mark.slow, pytest.mark.thorough))])
def test_a_slice_is_the_network_that_stands_alone(parts, supernet, count) -> None:
    rng, images = np.random.default_rng(0), torch.randn(2, 3, 40, 40)
    for arch in [parts.sample(rng) for _ in range(count)]:
        alone = supernet.member_network(arch).train()
        alone.head.dropout.p = 0.0
        with torch.no_grad():
            torch.testing.assert_close(supernet(images, arch), alone(images), rtol=0, atol=1e-5)


def test_cuts_have_last_layers_of_their_own(parts, supernet) -> None:
    three, four = (Frame(parts, stages, 32).largest for stages in (3, 4))
    heads = supernet.member_network(three).head.linear, supernet.member_network(four).head.linear
    assert [head.weight.shape for head in heads] == [(10, 40), (10, 80)]
    assert torch.equal(heads[0].weight, supernet.heads["3 stages"].linear.weight)
    assert not torch.equal(heads[1].weight[:, :40], heads[0].weight)


@pytest.mark.slow
def test_alphas_learn_what_the_limit_leaves(parts, supernet) -> None:
    """Without learning from images, the multiplier alone thins the blocks until the expected cost is the limit."""
    digits = load_data(DataSpec("digits", channels=3))
    digits = replace(digits, train=digits.train[:200]).at((32, 32))
    frames = limits_of(parts, 2.5e6, Frame(parts, 3, 32), Frame(parts, 3, 40))
    task = SimpleNamespace(dataset=digits, seed=0, skeleton=parts.pretrained.skeleton, device=torch.device("cpu"),
                           hooks=QUIET)
    assert len(alphas_images(task)) == 40  # a fifth
    scores = learnt_alphas(supernet, frames, task)
    for rows, each in zip(scores, frames, strict=True):
        for row, allowed in zip(rows, each.frame.space.allowed, strict=True):
            assert np.exp(row[list(allowed)]).sum() == pytest.approx(1, abs=1e-6)
            assert all(value == -np.inf for option, value in enumerate(row) if option not in allowed)
        found = each.best(rows)
        assert found
        assert each.target.allows(found[0])
