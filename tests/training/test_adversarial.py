"""Adversarial training: what the loop does with an attack, a monitor that fires, and a stop."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from recording import StopWhen
from torch import nn

from dcanas.basics.errors import Stopped, UserError
from dcanas.training import DataSpec, Recipe, load_data, train
from dcanas.training.adversarial import WATCHED
from dcanas.training.recipe_parts import Adversarial

RECIPE = Recipe(epochs=4, batch_size=128, learning_rate=0.05, warmup_epochs=0, ema=0.5,
                adversarial=Adversarial("fast_at", 25.5))


class Attack:
    """Adds what a seed draws, more with more steps; the network overfits after the given epochs."""

    def __init__(self, *epochs: int):
        self.epochs, self.asked, self.steps, self.seeds = epochs, 0, [], []
        self.seen: list[dict[str, torch.Tensor]] = []

    def batch(self, network, images, labels, steps, seed, start):
        self.steps.append(steps)
        self.seeds.append(seed)
        noise = torch.rand(images.shape, generator=torch.Generator().manual_seed(seed))
        return (images + 0.1 * steps * noise).clamp(0, 1)

    def overfits(self, network, images, labels, seed):
        assert images.shape == (WATCHED, 1, 8, 8)
        assert float(images.max()) <= 1
        self.asked += 1
        self.seen.append({name: value.clone() for name, value in network.state_dict().items()})
        return self.asked in self.epochs


@pytest.fixture(scope="module")
def data():
    return load_data(DataSpec())


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 10))


def test_overfitting_takes_the_epoch_back_and_strengthens_the_attack(data):
    attack, trained = Attack(2), network()
    history = train(trained, data, data.train, RECIPE, 3, attack=attack)
    assert [row["attack_steps"] for row in history] == [1, 1, 2, 2]
    assert [row["overfitting"] for row in history] == [False, True, False, False]
    per_epoch = len(attack.steps) // 4
    assert attack.steps == [1] * 2 * per_epoch + [2] * 2 * per_epoch
    assert len(set(attack.seeds)) == len(attack.seeds)
    # one epoch more, all of it with a rate of nothing: the weights are those before it overfitted, and not those after
    frozen = dataclasses.replace(RECIPE, epochs=2, ema=0.0)
    attack, trained = Attack(2), network()
    train(trained, data, data.train, frozen, 3, attack=attack)
    before, at = attack.seen
    for name, value in trained.state_dict().items():
        assert torch.equal(value, before[name]), name
    assert not torch.equal(before["4.weight"], at["4.weight"])


def test_a_stopped_training_that_overfits_goes_on_to_the_same_weights(data, tmp_path):
    straight = network()
    history = train(straight, data, data.train, RECIPE, 3, attack=Attack(2, 3))
    calls = 0

    def every_seventh() -> bool:
        nonlocal calls
        calls += 1
        return calls % 7 == 0

    attack, rounds = Attack(2, 3), 0
    while True:
        rounds += 1
        again = network()
        try:
            assert train(again, data, data.train, RECIPE, 3, folder=tmp_path, hooks=StopWhen(every_seventh),
                         attack=attack) == history
            break
        except Stopped:
            continue
    assert rounds > 4
    for name, value in straight.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name


def test_recipe_and_attack_belong_together(data):
    with pytest.raises(UserError, match=r"train\.adversarial\.attack=fast_at, but train\(\) was given no attack"):
        train(network(), data, data.train, RECIPE, 3)
    with pytest.raises(UserError, match=r"attack=none, but train\(\) was given an attack"):
        train(network(), data, data.train, dataclasses.replace(RECIPE, adversarial=Adversarial()), 3, attack=Attack())
    with pytest.raises(UserError, match="'fast'; did you mean 'fast_at'"):
        Adversarial("fast")
    with pytest.raises(UserError, match=r"train.adversarial.eps_255 must be a number from 0.1 to 255, got 0.03"):
        Adversarial("fast_at", eps_255=0.03)


def test_augmix_of_a_sample_does_not_depend_on_its_batch(data):
    from dcanas.training.colour import auto_augment
    from dcanas.training.draws import Draw

    images = torch.from_numpy(data.images[:6]).float() / 255
    whole = auto_augment(images, "augmix", Draw(1, 6))
    part = auto_augment(images[2:4], "augmix", Draw(1, 2, 2, 6))
    assert torch.equal(whole[2:4], part)
    assert not torch.equal(whole, images)
    assert np.isfinite(whole.numpy()).all()
