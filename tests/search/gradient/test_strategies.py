"""Mixing strategies against their own formulas, and the costs they imply."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from dcanas.basics.errors import UserError
from dcanas.search import SearchSettings
from dcanas.search.gradient.strategies import strategies
from dcanas.spaces import load_space

SPACE = load_space("nasbench201")
SETTINGS = SearchSettings()


def rows(seed: int = 0) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(5, generator=generator).requires_grad_() for _ in range(6)]


@pytest.mark.parametrize("name", list(strategies))
def test_weights_sum_to_one_and_what_runs_is_what_weighs(name: str) -> None:
    strategy = strategies[name](SPACE, replace(SETTINGS, strategy=name))
    torch.manual_seed(0)
    for mixture in (strategy.mix(rows(), 0.5), strategy.mix_for_weights(rows(), 0.5)):
        assert torch.stack(mixture.weights).sum(1).tolist() == pytest.approx([1] * 6, abs=1e-5)
        if mixture.chosen is not None:
            one_hot = torch.nn.functional.one_hot(torch.tensor(mixture.chosen), 5)
            assert torch.allclose(torch.stack(mixture.weights).detach(), one_hot.float(), atol=1e-6)


def test_softmax() -> None:
    mixed = strategies["softmax"](SPACE, SETTINGS).mix([torch.tensor([0.0, math.log(3.0)])] * 6, 0.0).weights
    assert mixed[0].tolist() == pytest.approx([0.25, 0.75])


def test_gumbel_draws_in_proportion_to_the_probabilities_and_hardens_as_it_cools() -> None:
    """The largest of alpha + Gumbel noise is option o with probability softmax(alpha)_o, at any temperature."""
    strategy = strategies["gumbel"](SPACE, replace(SETTINGS, strategy="gumbel"))
    assert strategy.temperature(0.0) == 10
    assert strategy.temperature(0.5) == pytest.approx(5.05)
    assert strategy.temperature(1.0) == pytest.approx(0.1)
    alphas = [torch.tensor([0.0, 1.0, -1.0, 0.5, 0.0])] * 6
    torch.manual_seed(0)
    draws = [torch.stack(strategy.mix(alphas, done).weights) for done in (0.0, 1.0) for _ in range(400)]
    winners = torch.stack(draws).argmax(2).flatten().bincount(minlength=5) / (6 * 800)
    assert torch.allclose(winners, alphas[0].softmax(0), atol=0.03)
    assert torch.stack(draws[400:]).amax(2).mean() > 0.9 > 0.5 > torch.stack(draws[:400]).amax(2).mean()


def test_gdas_passes_the_gradient_of_the_relaxed_sample() -> None:
    """d softmax(z)_c / d alpha = softmax(z)_c (onehot_c - softmax(z)) / temperature, with z = (alpha + noise) / t."""
    strategy = strategies["gdas"](SPACE, replace(SETTINGS, strategy="gdas"))
    alphas = rows()
    torch.manual_seed(3)
    mixture = strategy.mix(alphas, 0.9)
    torch.manual_seed(3)
    soft = strategies["gumbel"](SPACE, replace(SETTINGS, strategy="gumbel")).mix(alphas, 0.9).weights[0].detach()
    chosen = mixture.chosen[0]
    assert int(soft.argmax()) == chosen
    (slope,) = torch.autograd.grad(mixture.weights[0][chosen], alphas[0])
    expected = soft[chosen] * (torch.eye(5)[chosen] - soft) / strategy.temperature(0.9)
    assert torch.allclose(slope, expected, atol=1e-6)


def test_dirichlet_mean_and_divergence() -> None:
    """Concentrations elu(alpha) + 1: (2, 1, 1, 1, 1) have the mean (1/3, 1/6, ...) and, against Dirichlet(1),
    the divergence log Gamma(6) / (Gamma(2) Gamma(5)) + (2 - 1) (digamma(2) - digamma(6)) = log 5 - (H5 - H1)."""
    strategy = strategies["dirichlet"](SPACE, replace(SETTINGS, strategy="dirichlet", dirichlet_kl=0.5))
    alphas = [torch.tensor([1.0, 0.0, 0.0, 0.0, 0.0])] * 6
    mean = strategy.probabilities(alphas)[0]
    assert mean.tolist() == pytest.approx([1 / 3] + [1 / 6] * 4)
    torch.manual_seed(0)
    drawn = torch.stack([torch.stack(strategy.mix(alphas, 0.0).weights) for _ in range(300)]).mean((0, 1))
    assert torch.allclose(drawn, mean, atol=0.01)
    divergence = math.log(5) - (1 / 2 + 1 / 3 + 1 / 4 + 1 / 5)
    assert float(strategy.mix(alphas, 0.0).penalty) == pytest.approx(0.5 * 6 * divergence, rel=1e-5)


def test_single_path_trains_members_and_learns_by_score_function() -> None:
    """The mean over draws of loss x gradient of log-probability is the gradient of the expected loss: for a loss that
    is 1 where the first slot takes option 0 and 0 elsewhere, d p_0 / d alpha = p_0 (e_0 - p)."""
    strategy = strategies["single_path"](SPACE, replace(SETTINGS, strategy="single_path"))
    torch.manual_seed(0)
    members = [SPACE.architecture(strategy.mix_for_weights(rows(), 0.0).chosen) for _ in range(20)]
    assert all(SPACE.is_member(arch) for arch in members)
    assert len(set(members)) > 15
    alpha = rows()
    p = alpha[0].softmax(0).detach()
    total = torch.zeros(5)
    for _ in range(1000):
        mixture = strategy.mix(alpha, 0.0)
        if mixture.chosen[0] == 0:
            total += torch.autograd.grad(mixture.log_probability, alpha[0])[0]
    assert torch.allclose(total / 1000, p[0] * (torch.eye(5)[0] - p), atol=0.03)


@pytest.mark.parametrize(("changes", "message"), [
    ({"strategy": "single_path", "order": "second"}, r"search\.order applies to .*gdas only, not to single_path"),
    ({"strategy": "softmax", "dirichlet_kl": 0.1}, r"dirichlet_kl applies to search\.strategy=dirichlet only, not"),
    ({"strategy": "dirichlet", "beta_decay": 1.0}, r"search\.beta_decay applies to .* only, not to dirichlet"),
    ({"strategy": "gdsa"}, r"search\.strategy must be one of .*, got 'gdsa'; did you mean 'gdas'"),
    ({"constraint": "duel"}, r"search\.constraint must be one of .*, got 'duel'; did you mean 'dual'"),
    ({"order": "secnd"}, r"search\.order must be one of first, second, got 'secnd'; did you mean 'second'"),
    ({"warmup_epochs": 30}, r"search\.warmup_epochs must be less than search\.epochs=30"),
    ({"strategy": "single_path", "edge_normalisation": True}, r"edge_normalisation applies to .* not to single_path"),
    ({"edge_normalisation": 1}, r"search\.edge_normalisation must be true or false, got 1"),
])
def test_settings_that_do_not_fit_each_other_are_refused(changes: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        replace(SETTINGS, **changes)


def test_single_path_refuses_a_space_whose_slots_depend_on_each_other() -> None:
    with pytest.raises(UserError, match=r"single_path draws every slot on its own, which darts does not allow"):
        strategies["single_path"](load_space("darts"), SETTINGS)
