"""The loss: auxiliary heads, mixed images and a teacher, against the same written out."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torchvision import models

from dcanas.basics.errors import UserError
from dcanas.training import DataSpec, Recipe, load_data, train
from dcanas.training.checks import check_recipe
from dcanas.training.objective import Objective, mix
from dcanas.training.recipe_parts import Colour, Distillation

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def data():
    return load_data(DataSpec())


@pytest.fixture(scope="module")
def coloured(data):
    """Digits of 32 x 32 pixels in three channels."""
    images = np.repeat(np.kron(data.images[:200], np.ones((1, 1, 4, 4), np.uint8)), 3, axis=1)
    return dataclasses.replace(data, images=images, labels=data.labels[:200], train=np.arange(160),
                               validation=np.arange(160, 180), test=np.arange(180, 200))


def logits(seed: int, count: int = 12) -> torch.Tensor:
    return torch.randn(count, 10, generator=torch.Generator().manual_seed(seed))


def entropy(answers: torch.Tensor, labels: torch.Tensor, smoothing: float) -> torch.Tensor:
    """-sum of the smoothed target times log-probability, averaged: Szegedy et al. (CVPR 2016), section 7."""
    target = (1 - smoothing) * F.one_hot(labels, 10) + smoothing / 10
    return -(target * answers.log_softmax(1)).sum(1).mean()


def test_the_auxiliary_head_counts_by_its_weight(data):
    labels = torch.arange(12) % 10
    recipe = Recipe(auxiliary_weight=0.4, label_smoothing=0.1)
    returned, loss = Objective(recipe, data, data.train, CPU)((logits(0), logits(1)), torch.zeros(12), labels)
    assert torch.equal(returned, logits(0))
    expected = entropy(logits(0), labels, 0.1) + 0.4 * entropy(logits(1), labels, 0.1)
    torch.testing.assert_close(loss, expected)
    _, without = Objective(Recipe(), data, data.train, CPU)((logits(0), logits(1)), torch.zeros(12), labels)
    torch.testing.assert_close(without, entropy(logits(0), labels, 0.1))


def test_mixup_mixes_images_and_labels_alike(data):
    images = torch.eye(12)  # a mixed row shows who was mixed and how much
    labels = torch.arange(12) % 10
    mixed, plan = mix(images, labels, 0.4, 5)
    assert plan.share == np.random.default_rng(5).beta(0.4, 0.4)
    weights = plan.share * torch.eye(12)
    for i, row in enumerate(mixed - weights):
        partner = int(row.argmax())
        assert float(row[partner]) == pytest.approx(1 - plan.share, abs=1e-6)
        assert labels[partner] == plan.others[i]
    _, loss = Objective(Recipe(mixup=0.4), data, data.train, CPU)(logits(0), mixed, labels, plan)
    target = plan.share * F.one_hot(labels, 10) + (1 - plan.share) * F.one_hot(plan.others, 10)
    target = 0.9 * target + 0.1 / 10
    torch.testing.assert_close(loss, -(target * logits(0).log_softmax(1)).sum(1).mean())


def test_the_share_follows_the_beta_distribution(data):
    """Beta(0.4, 0.4) has variance 1 / (4 * 1.8) = 0.139."""
    shares = [mix(torch.zeros(2, 1), torch.zeros(2, dtype=torch.long), 0.4, seed)[1].share for seed in range(2000)]
    assert np.mean(shares) == pytest.approx(0.5, abs=0.03)
    assert np.var(shares) == pytest.approx(1 / (4 * 1.8), abs=0.01)


def test_parts_of_a_batch_add_up_to_its_loss(data):
    """Weighted classes, a mixed batch and parts of unequal size: the average over the parts is the whole's."""
    labels = torch.tensor([0, 0, 0, 1, 2, 3, 3, 4, 5, 9, 9, 9])
    others = labels.flip(0)
    from dcanas.training.objective import Mix
    skewed = dataclasses.replace(data, labels=np.minimum(data.labels, 9) * (np.arange(len(data.labels)) % 3 > 0))
    objective = Objective(Recipe(weighted_loss=True), skewed, data.train, CPU)
    _, whole = objective(logits(0), torch.zeros(12), labels)
    parts = []
    for a, b in ((0, 5), (5, 12)):
        shares = objective.shares(labels[a:b], labels.numpy(), 2)
        parts.append(objective(logits(0)[a:b], torch.zeros(b - a), labels[a:b], None, shares)[1])
    torch.testing.assert_close(sum(parts) / 2, whole)
    plain = Objective(Recipe(), data, data.train, CPU)
    _, whole = plain(logits(0), torch.zeros(12), labels, Mix(others, 0.3))
    parts = [plain(logits(0)[a:b], torch.zeros(b - a), labels[a:b], Mix(others[a:b], 0.3),
                   plain.shares(labels[a:b], labels.numpy(), 2))[1] for a, b in ((0, 5), (5, 12))]
    torch.testing.assert_close(sum(parts) / 2, whole)


@pytest.fixture(scope="module")
def teacher_file(tmp_path_factory):
    torch.manual_seed(3)
    path = tmp_path_factory.mktemp("teacher") / "resnet18.pt"
    torch.save(models.resnet18(weights=None, num_classes=10).state_dict(), path)
    return str(path)


def test_the_teachers_answers_are_learnt(coloured, teacher_file):
    recipe = Recipe(distillation=Distillation("resnet18", teacher_file, 0.5), label_smoothing=0.0)
    images = torch.from_numpy(coloured.images[:12]).float() / 255
    labels = torch.from_numpy(coloured.labels[:12])
    state = torch.get_rng_state()
    objective = Objective(recipe, coloured, coloured.train, CPU)
    assert torch.equal(torch.get_rng_state(), state)
    reference = models.resnet18(weights=None, num_classes=10).eval()
    reference.load_state_dict(torch.load(teacher_file, weights_only=True))
    normal = (images - torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)) / torch.tensor(
        [0.229, 0.224, 0.225]).view(3, 1, 1)
    with torch.no_grad():
        answers = reference(normal).softmax(1)
    _, loss = objective(logits(0), images, labels)
    expected = entropy(logits(0), labels, 0) - 0.5 * (answers * logits(0).log_softmax(1)).sum(1).mean()
    torch.testing.assert_close(loss, expected)


def test_distillation_trains_and_changes_the_result(coloured, teacher_file):
    states = []
    for wanted in (Distillation(), Distillation("resnet18", teacher_file)):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 10))
        history = train(model, coloured, coloured.train[:64],
                        Recipe(epochs=1, batch_size=32, distillation=wanted), 0)
        assert np.isfinite(history[0]["loss"])
        states.append(model[1].weight.detach().clone())
    assert not torch.equal(*states)


@pytest.mark.parametrize(("wanted", "said"), [
    (Distillation("resnet153"), r"Unknown train\.distillation\.teacher 'resnet153'; did you mean 'resnet152'"),
    (Distillation("resnet18"), r"needs its weights, and nothing is downloaded: set train\.distillation\.weights"),
    (Distillation("resnet18", "nowhere.pt"), r"train\.distillation\.weights=nowhere\.pt is not a file"),
])
def test_teachers_that_cannot_be_had(coloured, wanted, said):
    with pytest.raises(UserError, match=said):
        Objective(Recipe(distillation=wanted), coloured, coloured.train, CPU)


def test_weights_of_another_network_are_no_teacher(coloured, teacher_file):
    wanted = Distillation("mobilenet_v2", teacher_file)
    with pytest.raises(UserError, match="does not hold the weights of torchvision's mobilenet_v2 with 10 classes"):
        Objective(Recipe(distillation=wanted), coloured, coloured.train, CPU)
    fewer = dataclasses.replace(coloured, classes=coloured.classes[:7])
    with pytest.raises(UserError, match=r"resnet18 with 7 classes \(size mismatch for fc\.weight"):
        Objective(Recipe(distillation=Distillation("resnet18", teacher_file)), fewer, coloured.train, CPU)


@pytest.mark.parametrize(("recipe", "said"), [
    (Recipe(colour=Colour(saturation=0.4)), r"train\.colour\.saturation needs images of 3 channels, these have 1"),
    (Recipe(colour=Colour(lighting=0.1)), r"train\.colour\.lighting needs"),
    (Recipe(auxiliary_weight=0.4), r"train\.auxiliary_weight=0\.4 needs an auxiliary head"),
    (Recipe(init="nowhere.pt"), r"train\.init=nowhere\.pt is not a file"),
])
def test_what_cannot_be_is_refused_before_anything_is_spent(data, recipe, said):
    with pytest.raises(UserError, match=said):
        check_recipe(recipe, data, {"channels": 4})
    check_recipe(Recipe(auxiliary_weight=0.4), data, {"auxiliary": True})


def test_a_teacher_of_grey_images_is_refused(data, teacher_file):
    with pytest.raises(UserError, match="sees images of 3 channels, these have 1"):
        check_recipe(Recipe(distillation=Distillation("resnet18", teacher_file)), data, {})
