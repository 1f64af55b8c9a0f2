"""Attacks: properties on random networks, closed forms on linear ones, and every bad input."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from small_networks import batch, random_network
from torch import nn

from dcanas.basics.errors import UserError
from dcanas.robustness import apgd, attacks, fgsm, pgd, robust_accuracy, robust_curve, square
from dcanas.robustness.suite import attack_spec

ATTACKS = {
    "fgsm": fgsm,
    "pgd": partial(pgd, steps=6, restarts=2),
    "apgd_ce": partial(apgd, steps=12),
    "apgd_dlr": partial(apgd, loss="dlr", steps=12),
    "apgd_t": partial(apgd, loss="targeted_dlr", steps=8, targets=3),
    "square": partial(square, queries=25),
}
SHORT = [attack_spec("fgsm"), attack_spec("pgd", steps=6), attack_spec("apgd_ce", steps=12),
         attack_spec("apgd_t", steps=8, targets=2), attack_spec("square", queries=25)]


def test_every_attack_is_registered_under_its_own_name() -> None:
    assert set(attacks) == {"fgsm", "pgd", "apgd", "square"}
    assert all(attacks[name].__name__ == name for name in attacks)


@pytest.mark.parametrize("name", ATTACKS)
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10_000), eps=st.floats(0, 0.6), norm=st.sampled_from(["linf", "l2"]),
       side=st.sampled_from([6, 8, 9]), channels=st.sampled_from([1, 3]))
def test_images_stay_in_the_ball_and_in_the_range(name: str, seed: int, eps: float, norm: str, side: int,
                                                  channels: int) -> None:
    network = random_network(seed, channels, side)
    images, labels = batch(network, seed, 6, channels, side)
    before = images.clone()
    changed = ATTACKS[name](network, images, labels, eps, norm=norm, seed=seed)
    delta = (changed - images).flatten(1)
    assert changed.shape == images.shape
    assert changed.dtype == images.dtype
    assert torch.equal(images, before)
    assert float(changed.min()) >= 0
    assert float(changed.max()) <= 1
    assert float((delta.abs().amax(1) if norm == "linf" else delta.norm(dim=1)).max()) <= eps + 1e-6
    assert network.training  # every part back in its own mode
    assert all(parameter.grad is None for parameter in network.parameters())
    assert int(network[1].num_batches_tracked) == 0


@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("name", ATTACKS)
def test_results_depend_on_the_seed_and_the_sample_not_on_the_batch(name: str, norm: str) -> None:
    network = random_network(3).double()  # so that rounding decides nothing
    images, labels = batch(network.float(), 3, 11)
    network, images = network.double(), images.double()
    run = partial(ATTACKS[name], network, norm=norm, eps=0.05 if norm == "linf" else 0.3)
    whole = run(images, labels, seed=1)
    assert torch.equal(whole, run(images, labels, seed=1))
    for size in (1, 4):
        torch.testing.assert_close(run(images, labels, seed=1, batch_size=size), whole, rtol=0, atol=1e-9)
    order = torch.tensor([7, 2, 10, 0])
    alone = run(images[order], labels[order], seed=1, indices=order.numpy())
    torch.testing.assert_close(alone, whole[order], rtol=0, atol=1e-9)
    if name != "fgsm":
        assert not torch.equal(whole, run(images, labels, seed=2))


@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 10_000), norm=st.sampled_from(["linf", "l2"]))
def test_robust_accuracy_never_rises_with_eps_and_never_exceeds_clean(seed: int, norm: str) -> None:
    network = random_network(seed)
    images, labels = batch(network, seed, 12)
    sizes = [0.0, 0.01, 0.05, 0.2]
    curve = robust_curve(network, images, labels, SHORT, reversed(sizes), norm=norm)
    assert [result.eps for result in curve] == sizes
    assert curve[0].clean.correct == 11  # the last label is wrong
    shares = [result.worst.correct for result in curve]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] == 11  # eps 0 changes nothing
    for result in curve:
        falling = [result.clean.correct, *(rate.correct for rate in result.attacks.values())]
        assert falling == sorted(falling, reverse=True)
        assert result.worst.correct == falling[-1]


def test_stronger_attacks_on_a_linear_model_reach_the_closed_form() -> None:
    """A margin w.x + b falls by exactly eps * |w|_1 within the L-inf ball and eps * |w|_2 within the L2 ball."""
    torch.manual_seed(0)
    weights = torch.randn(16) / 4
    model = nn.Sequential(nn.Flatten(), nn.Linear(16, 2))
    with torch.no_grad():
        model[1].weight.copy_(torch.stack([weights / 2, -weights / 2]))
        model[1].bias.zero_()
    images = 0.5 + 0.1 * torch.randn(200, 1, 4, 4).clamp(-2, 2)  # far from 0 and 1: clipping plays no part
    margins = (images - 0.5).flatten(1) @ weights
    with torch.no_grad():
        model[1].bias.copy_(torch.tensor([-0.25, 0.25]) * weights.sum())
    labels = (margins < 0).long()
    for norm, eps, length in (("linf", 0.03, weights.abs().sum()), ("l2", 0.1, weights.norm())):
        expected = (margins.abs() > eps * length).float().mean()
        assert 0.2 < expected < 0.8
        for attack in (fgsm, partial(pgd, steps=20), partial(apgd, steps=20)):
            changed = attack(model, images, labels, eps, norm=norm)
            found = (model(changed).argmax(1) == labels).float().mean()
            assert float(found) == pytest.approx(float(expected), abs=0.011)  # two images of rounding


def test_fgsm_is_the_sign_of_the_gradient() -> None:
    network = random_network(5)
    images, labels = batch(network, 5, 9)
    changed = fgsm(network, images, labels, 0.1)
    network.eval()
    leaf = images.clone().requires_grad_()
    nn.functional.cross_entropy(network(leaf), labels).backward()
    torch.testing.assert_close(changed, (images + 0.1 * leaf.grad.sign()).clamp(0, 1), rtol=0, atol=1e-6)


def test_more_steps_restarts_and_queries_do_not_weaken() -> None:
    network = random_network(11)
    images, labels = batch(network, 11, 40)
    for name, short, long in (("pgd", {"steps": 10}, {"steps": 10, "restarts": 3}),
                              ("apgd", {"steps": 10}, {"steps": 10, "restarts": 3}),
                              ("square", {"queries": 40}, {"queries": 40, "restarts": 3})):
        def standing(options: dict, name: str = name) -> int:
            changed = attacks[name](network, images, labels, 0.04, **options)
            return int((network.eval()(changed).argmax(1) == labels).sum())
        assert standing(long) <= standing(short) < 39


def test_misclassified_images_come_back_untouched_and_dead_ends_return_the_best_attempt() -> None:
    network = random_network(2)
    images, labels = batch(network, 2, 8)
    for name in ("pgd", "apgd_ce", "square"):
        changed = ATTACKS[name](network, images, labels, 1e-3)
        assert torch.equal(changed[-1], images[-1])
        assert not torch.equal(changed[:-1], images[:-1])
        network.eval()
        before, after = (nn.functional.cross_entropy(network(x), labels, reduction="none") for x in (images, changed))
        assert name == "square" or bool((after[:-1] > before[:-1]).all())  # Square climbs another loss, at random
        network.train()


def test_square_attacks_a_plain_function_of_arrays_as_it_attacks_the_module() -> None:
    network = random_network(4).eval()
    images, labels = batch(network, 4, 10)
    network.eval()

    def predict(array: np.ndarray) -> np.ndarray:
        assert isinstance(array, np.ndarray)
        assert array.dtype == np.float32
        with torch.no_grad():
            return network(torch.from_numpy(array)).numpy()

    for norm in ("linf", "l2"):
        found = square(predict, images.numpy(), labels.numpy(), 0.1, norm=norm, queries=30)
        expected = square(network, images, labels, 0.1, norm=norm, queries=30)
        np.testing.assert_array_equal(found, expected.numpy())
    with pytest.raises(UserError, match="needs gradients: give it a torch module, or attack the function with square"):
        pgd(predict, images.numpy(), labels.numpy(), 0.1)
    with pytest.raises(UserError, match="No gradient flows through this model, so only attack square"):
        fgsm(lambda x: network(x.detach()), images, labels, 0.1)


def test_square_spends_its_queries_and_no_more() -> None:
    calls = []

    def certain(x: torch.Tensor) -> torch.Tensor:
        calls.append(len(x))
        return torch.tensor([[9.0, 0.0]]).repeat(len(x), 1)

    images = torch.full((3, 1, 8, 8), 0.5)
    square(certain, images, torch.zeros(3, dtype=torch.long), 0.1, queries=17)
    assert calls == [3] * 18  # one pass without change, then 17 queries


X, Y = torch.full((4, 1, 8, 8), 0.5), torch.tensor([0, 1, 2, 0])


@pytest.mark.parametrize(("change", "sentence"), [
    ({"images": X * 255}, r"Images must lie in \[0, 1\], found values from 127.5 to 127.5; divide them by 255"),
    ({"images": X - 1}, r"found values from -0.5 to -0.5; leave normalisation to the model"),
    ({"images": (X * 255).byte()}, r"must be floats in \[0, 1\], got uint8 from 127 to 127; divide them by 255"),
    ({"images": X * math.nan}, "some pixels are NaN"),
    ({"images": X[0]}, r"shape \(N, C, H, W\), got \(1, 8, 8\)"),
    ({"images": X[:0], "labels": Y[:0]}, "no images to attack: the set is empty"),
    ({"eps": -0.1}, "eps must not be negative, got -0.1"),
    ({"eps": 8}, r"eps=8 is more than images in \[0, 1\] can differ .*give 8/255 = 0.03137"),
    ({"eps": 128, "norm": "l2"}, r"eps=128 is more than images in \[0, 1\] can differ \(8 in l2\)"),
    ({"eps": "8/255"}, r"eps must be a number in \[0, 1\] units such as 8/255, got '8/255'"),
    ({"eps": math.nan}, "eps must be a number"),
    ({"labels": Y + 3}, "Labels must be from 0 to 4, for the model has 5 classes; found 5"),
    ({"labels": Y - 1}, "Labels must be from 0 to 4, for the model has 5 classes; found -1"),
    ({"labels": Y[:2]}, r"one label per image: 4 images, labels of shape \(2,\)"),
    ({"labels": Y.float()}, r"Labels must be class indices \(whole numbers\), got float32"),
    ({"norm": "l1"}, "Unknown norm 'l1'; did you mean 'l2'"),
    ({"batch_size": 0}, "batch_size must be a whole number from 1, got 0"),
])
@pytest.mark.parametrize("name", ["fgsm", "pgd", "apgd", "square"])
def test_bad_input_gets_one_sentence(name: str, change: dict, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence) as found:
        attacks[name](random_network(0), **{"images": X, "labels": Y, "eps": 0.1, **change})
    assert "\n" not in str(found.value)


@pytest.mark.parametrize("name", ["fgsm", "pgd", "apgd", "square"])
def test_models_that_cannot_be_judged(name: str) -> None:
    with pytest.raises(UserError, match="returns NaN or infinite logits"):
        attacks[name](nn.Sequential(nn.Flatten(), nn.Linear(64, 3), _Broken()), X, Y)
    with pytest.raises(UserError, match=r"must return logits \(N, classes\), here \(4, classes\), got \(4, 1, 8, 8\)"):
        attacks[name](nn.ReLU(), X, Y)


class _Broken(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * math.nan


def test_losses_need_enough_classes_and_known_names() -> None:
    two = nn.Sequential(nn.Flatten(), nn.Linear(64, 2))
    ones = two(X).argmax(1)
    with pytest.raises(UserError, match="at least 3 classes, the model has 2; use apgd_ce"):
        apgd(two, X, ones, 0.1, loss="dlr")
    with pytest.raises(UserError, match="at least 4 classes, the model has 2"):
        apgd(two, X, ones, 0.1, loss="targeted_dlr")
    with pytest.raises(UserError, match="Unknown loss of APGD 'cw'"):
        apgd(two, X, ones, 0.1, loss="cw")
    with pytest.raises(UserError, match="steps must be a whole number from 1, got 0"):
        pgd(two, X, ones, 0.1, steps=0)
    with pytest.raises(UserError, match="Unknown attack 'apgd-ce'; did you mean 'apgd_ce'"):
        robust_accuracy(two, X, ones, ["apgd-ce"])
