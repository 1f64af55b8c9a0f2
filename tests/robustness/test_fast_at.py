"""Batches for adversarial training: what they are, that nothing else is touched, and that they make digits robust."""

from __future__ import annotations

import copy

import pytest
import torch
import torch.nn.functional as F
from small_networks import batch, random_network
from torch import nn

from dcanas.basics.errors import UserError
from dcanas.robustness import pgd
from dcanas.robustness.draws import Draws
from dcanas.robustness.fast_at import fast_at, overfitting
from dcanas.spaces import load_space
from dcanas.training import DataSpec, load_data

STRONG = "|nor_conv_3x3~0|+|none~0|nor_conv_3x3~1|+|skip_connect~0|none~1|nor_conv_3x3~2|"


def test_a_batch_is_noise_and_one_step_and_leaves_the_network_alone() -> None:
    network = random_network(0)
    network[5].p = 0.0
    images, labels = batch(network, 0, 8)
    before = copy.deepcopy(network.state_dict())
    made = fast_at(network, images, labels, 0.1, seed=3)
    assert network.training
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert all(p.grad is None for p in network.parameters())
    noise = torch.from_numpy(2 * Draws(3, range(8)).uniform(64, "linf random") - 1).float().reshape(images.shape)
    start = (images + 0.2 * noise).requires_grad_()
    F.cross_entropy(copy.deepcopy(network)(start), labels).backward()
    torch.testing.assert_close(made, (start + 0.1 * start.grad.sign()).clamp(0, 1).detach(), rtol=0, atol=1e-6)
    assert torch.equal(made, fast_at(network, images, labels, 0.1, seed=3))
    assert not torch.equal(made, fast_at(network, images, labels, 0.1, seed=4))
    with pytest.raises(UserError, match="give 8/255"):
        fast_at(network, images, labels, 8)


class _Trap(nn.Module):
    """Follows the middle pixel, but its gradient points the wrong way as long as that pixel is a clean value."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        value = x[:, 0, 4, 4]
        false = (10 * value).round() == 10 * value
        return torch.stack([value * 0, (value - 0.45) * torch.where(false, -1.0, 1.0) +
                            2 * torch.where(false, value - 0.45, torch.zeros_like(value)).detach()], 1)


def test_the_alarm_tells_a_trap_from_a_robust_and_from_a_plain_network() -> None:
    images = torch.full((20, 1, 8, 8), 0.5)
    labels = torch.ones(20, dtype=torch.long)
    assert (_Trap()(images).argmax(1) == labels).all()
    assert overfitting(_Trap(), images, labels, 0.1)  # the single step makes the value rise, several steps do not
    linear = nn.Sequential(nn.Flatten(), nn.Linear(64, 2))
    assert not overfitting(linear, images, linear(images).argmax(1), 0.1)


def _trained(adversarial: bool, seed: int, epochs: int = 12) -> tuple[float, float, bool]:
    """Return clean and PGD-20 accuracy on the validation split, and the alarm, of a small network on digits."""
    data, eps = load_data(DataSpec()), 0.1
    space = load_space("nasbench201")
    torch.manual_seed(seed)
    network = space.build(space.parse(STRONG), 10, 1, channels=8, cells=1)
    optimiser = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4)
    rows = {part: getattr(data, part) for part in ("train", "validation")}
    images = {part: torch.from_numpy(data.images[own]).float() / 255 for part, own in rows.items()}
    labels = {part: torch.from_numpy(data.labels[own]) for part, own in rows.items()}
    steps = epochs * (len(labels["train"]) // 64)
    for step in range(steps):
        optimiser.param_groups[0]["lr"] = 0.05 * (1 - step / steps)
        drawn = torch.randperm(len(labels["train"]))[:64]
        x, y = images["train"][drawn], labels["train"][drawn]
        if adversarial:
            x = fast_at(network, x, y, eps, seed=seed * 10_000 + step)
        optimiser.zero_grad()
        F.cross_entropy(network(x), y).backward()
        optimiser.step()
    network.eval()
    x, y = images["validation"], labels["validation"]
    changed = pgd(network, x, y, eps, steps=20)
    return (float((network(x).argmax(1) == y).float().mean()), float((network(changed).argmax(1) == y).float().mean()),
            overfitting(network, images["train"][:256], labels["train"][:256], eps))


@pytest.mark.slow
def test_digits_become_robust_in_three_seeds() -> None:
    plain = _trained(False, 0)
    for seed in range(3):
        clean, robust, alarm = _trained(True, seed)
        assert robust > plain[1] + 0.20, (plain, clean, robust)
        assert clean > plain[0] - 0.06
        assert not alarm
