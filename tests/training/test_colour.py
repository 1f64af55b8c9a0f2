"""Colours and rectangles: equal to torchvision where it does the same to one image, published statistics elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as tv

from dcanas.training.colour import (
    LIGHT_DEVIATIONS,
    LIGHT_DIRECTIONS,
    _brightness,
    _contrast,
    _saturation,
    auto_augment,
    jitter,
    lighting,
    turn_hue,
)
from dcanas.training.draws import Draw
from dcanas.training.recipe_parts import Colour
from dcanas.training.rectangles import crop_and_resize, erase, resized_crop


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    rng = np.random.default_rng(0)
    return torch.from_numpy(rng.random((40, 3, 12, 9), dtype=np.float32))


@pytest.mark.parametrize(("ours", "theirs", "amounts"), [
    (_brightness, tv.adjust_brightness, (0.6, 1.0, 1.4)),
    (_contrast, tv.adjust_contrast, (0.6, 1.0, 1.4)),
    (_saturation, tv.adjust_saturation, (0.6, 1.0, 1.4)),
    (turn_hue, tv.adjust_hue, (-0.5, -0.2, 0.0, 0.13, 0.5)),
])
def test_each_change_is_torchvisions(images, ours, theirs, amounts):
    several = torch.tensor(amounts)[:, None, None, None]
    changed = ours(images[:len(amounts)], several)
    for image, result, amount in zip(images, changed, amounts, strict=False):
        torch.testing.assert_close(result, theirs(image, amount), rtol=0, atol=2e-5)


def test_grey_pixels_have_no_hue():
    grey = torch.full((1, 3, 2, 2), 0.4)
    torch.testing.assert_close(turn_hue(grey, torch.full((1, 1, 1, 1), 0.3)), grey)


def test_jitter_gives_every_image_its_own_and_the_seed_decides(images):
    colour = Colour(brightness=0.4, contrast=0.4, saturation=0.4, hue=0.2)
    same = images[:1].expand(40, -1, -1, -1)
    changed = jitter(same, colour, Draw(3, 40))
    assert len(changed.flatten(1).unique(dim=0)) == 40
    assert torch.equal(changed, jitter(same, colour, Draw(3, 40)))
    assert not torch.equal(changed, jitter(same, colour, Draw(4, 40)))
    only = jitter(same, Colour(brightness=0.4), Draw(3, 40))
    factors = (only.mean((1, 2, 3)) / images[0].mean())
    assert 0.6 <= factors.min() < 0.7
    assert 1.2 < factors.max() <= 1.4  # clipped at white, so a little less


def test_lighting_shifts_along_the_principal_colours():
    """2,000 grey images: the covariance of the shifts is directions x (0.1 deviations)^2 x directions^T."""
    grey = torch.full((2000, 3, 1, 1), 0.5)
    shift = (lighting(grey, 0.1, Draw(0, 2000)) - grey)[:, :, 0, 0].double().numpy()
    directions = np.array(LIGHT_DIRECTIONS)
    expected = directions @ np.diag((0.1 * np.array(LIGHT_DEVIATIONS)) ** 2) @ directions.T
    np.testing.assert_allclose(np.cov(shift.T), expected, atol=0.1 * expected.max())


@pytest.mark.parametrize("policy", ["cifar10", "imagenet", "svhn"])
def test_auto_augment_is_torchvisions_seeded_by_sample(images, policy):
    before = torch.get_rng_state()
    changed = auto_augment(images, policy, Draw(5, 40))
    assert torch.equal(torch.get_rng_state(), before)
    seeds = torch.randint(2**62, (40,), generator=torch.Generator().manual_seed(5)).tolist()
    transform = v2.AutoAugment(v2.AutoAugmentPolicy(policy))
    for i in range(6):
        torch.manual_seed(seeds[i])
        expected = transform((images[i] * 255).round().to(torch.uint8))
        assert torch.equal((changed[i] * 255).round().to(torch.uint8), expected)
    assert (changed != images).flatten(1).any(1).float().mean() > 0.5
    torch.set_rng_state(before)


def test_a_part_of_a_batch_is_augmented_as_within_the_whole(images):
    colour = Colour(brightness=0.4, contrast=0.4, saturation=0.4, hue=0.2)

    def chain(some: torch.Tensor, draw: Draw) -> torch.Tensor:
        some = crop_and_resize(some, (0.08, 1), 4 / 3, draw)
        return erase(auto_augment(lighting(jitter(some, colour, draw), 0.1, draw), "imagenet", draw), 0.5, draw,
                     (0, 0, 0))

    whole = chain(images, Draw(9, 40))
    parts = [chain(images[a:b], Draw(9, b - a, a, 40)) for a, b in ((0, 13), (13, 40))]
    assert torch.equal(torch.cat(parts), whole)


def test_the_resized_crop_is_torchvisions(images):
    place = torch.tensor([[0, 0], [3, 2], [11, 8], [5, 0], [2, 4]])
    size = torch.tensor([[12, 9], [6, 5], [1, 1], [7, 9], [10, 2]])
    ours = resized_crop(images[:5], place, size)
    for image, result, (top, left), (rows, columns) in zip(images, ours, place.tolist(), size.tolist(), strict=False):
        expected = tv.resized_crop(image, top, left, rows, columns, [12, 9], antialias=False)
        torch.testing.assert_close(result, expected, rtol=0, atol=1e-5)


def test_crops_have_the_area_and_ratio_asked_for(monkeypatch):
    found = []
    monkeypatch.setattr("dcanas.training.rectangles.resized_crop",
                        lambda images, place, size: found.append((place, size)) or images)
    count = 4000
    crop_and_resize(torch.zeros(count, 1, 64, 64), (0.25, 0.5), 4 / 3, Draw(0, count))
    place, size = found.pop()
    area = size.prod(1) / 64**2
    assert 0.23 < area.min() < 0.27
    assert 0.48 < area.max() < 0.52  # whole pixels
    assert area.mean() == pytest.approx(0.375, abs=0.01)
    ratio = (size[:, 1] / size[:, 0]).log()
    assert ratio.abs().max() < np.log(4 / 3) + 0.05
    assert ratio.mean() == pytest.approx(0, abs=0.02)
    assert (place >= 0).all()
    assert (place + size <= 64).all()
    assert (place[:, 0] == 0).any()
    assert (place + size == 64).any()
    crop_and_resize(torch.zeros(count, 1, 16, 64), (1.0, 1.0), 1.0, Draw(0, count))  # no square of that area fits
    place, size = found.pop()
    assert size.unique(dim=0).tolist() == [[16, 16]]
    assert place.unique(dim=0).tolist() == [[0, 24]]  # in the middle


def test_the_fixed_square_of_seven_eighths():
    """0.765625 = (7/8)^2 of 64 x 64 pixels is a square of 56, in one of 9 x 9 places."""
    ramp = torch.arange(64.0)[None, None, None, :].expand(500, 1, 64, 64)
    left = crop_and_resize(ramp, (0.765625, 0.765625), 1.0, Draw(0, 500))[:, 0, 0, 0]
    # The first of 64 pixels of a crop of 56 lies at 0.5 * 56 / 64 - 0.5 < 0, clamped to the crop's first.
    assert sorted(left.unique().tolist()) == list(range(9))


def test_half_of_the_images_lose_a_rectangle_to_the_fill():
    whole = torch.ones(3000, 3, 32, 32)
    erased = erase(whole, 0.5, Draw(1, 3000), (0.1, 0.2, 0.3))
    holes = erased[:, 0] != 1
    assert torch.equal(holes, erased[:, 2] != 1)
    assert erased[:, 1][holes].unique().tolist() == pytest.approx([0.2])
    share = holes.flatten(1).float().mean(1)
    hit = share > 0
    assert hit.float().mean() == pytest.approx(0.5, abs=0.04)
    assert 0.015 < share[hit].min() < 0.03
    assert 0.3 < share[hit].max() < 0.35
    for hole in holes[hit][:200]:
        assert hole.sum() == hole.any(1).sum() * hole.any(0).sum()  # a rectangle
