"""Augmentation: each sample a real transformation of itself, drawn from the seed alone."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2 import functional as v2

from dcanas.training import DataSpec, Recipe, load_data, make_augment
from dcanas.training.augment import crop, cut_out, flip, turn
from dcanas.training.draws import Draw

PLAIN = {"crop_padding": 0, "flip": False, "rotation": 0.0, "zoom": 0.0, "cutout": 0.0}


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    rng = np.random.default_rng(0)
    return torch.from_numpy(rng.integers(1, 256, (200, 3, 12, 9), dtype=np.uint8)).float()


def draw(seed: int = 0, count: int = 200) -> Draw:
    return Draw(seed, count)


def test_flip_mirrors_about_half(images):
    flipped = flip(images, draw())
    mirrored = (flipped == images.flip(3)).flatten(1).all(1)
    kept = (flipped == images).flatten(1).all(1)
    assert (mirrored ^ kept).all()
    assert 70 < int(mirrored.sum()) < 130  # 100 +- 4 standard deviations of 7.1


def test_crop_takes_every_shift_of_the_padded_image(images):
    cropped = crop(images, 1, draw())
    seen = set()
    for before, after in zip(images, cropped, strict=True):
        padded = torch.nn.functional.pad(before, (1, 1, 1, 1))
        match = [(y, x) for y in range(3) for x in range(3) if (padded[:, y:y + 12, x:x + 9] == after).all()]
        assert len(match) == 1
        seen.update(match)
    assert len(seen) == 9


def test_cut_out_blackens_a_square_around_a_random_pixel(images):
    holes = cut_out(images, 4, draw(), (0, 0, 0)) == 0
    for hole in holes:
        assert (hole == hole[0]).all()
        rows, columns = hole[0].any(1), hole[0].any(0)
        assert hole[0].sum() == rows.sum() * columns.sum()
        assert 2 <= int(rows.sum()) <= 4
        assert 2 <= int(columns.sum()) <= 4
    assert holes[:, 0].any(0).all()


def test_turn_is_torchvisions_affine(images):
    """One image turned by the angle and scale that the seed draws, by torchvision: the same pixels."""
    one = images[:1] / 255
    uniform = 2 * torch.rand(2, 1, generator=torch.Generator().manual_seed(3)) - 1
    ours = turn(one, 30.0, 0.2, draw(3, 1))
    angle, scale = float(uniform[0]) * 30, 1 + float(uniform[1]) * 0.2
    expected = [v2.affine(one, angle=sign * angle, translate=[0, 0], scale=scale, shear=[0.0, 0.0],
                          interpolation=InterpolationMode.BILINEAR) for sign in (-1, 1)]
    assert min(float((ours - e).abs().max()) for e in expected) < 1e-3
    assert float((ours - one).abs().max()) > 0.1


def test_the_seed_decides_and_samples_differ():
    data = load_data(DataSpec())
    batch = torch.from_numpy(np.repeat(data.images[:1], 32, axis=0))
    augment = make_augment(data, Recipe(rotation=10, zoom=0.1))
    assert torch.equal(augment(batch, 5), augment(batch, 5))
    assert not torch.equal(augment(batch, 5), augment(batch, 6))
    assert len(augment(batch, 5).flatten(1).unique(dim=0)) > 25
    assert augment(batch, 5).min() >= 0
    assert augment(batch, 5).max() <= 1


def test_nothing_asked_is_nothing_done():
    data = load_data(DataSpec())
    batch = torch.from_numpy(data.images[:8])
    assert torch.equal(make_augment(data, Recipe(**PLAIN))(batch, 0), batch.float() / 255)


def test_digits_are_not_mirrored_unless_asked():
    data = load_data(DataSpec())
    batch = torch.from_numpy(data.images[:64])
    default = make_augment(data, Recipe(**{**PLAIN, "flip": None}))
    assert torch.equal(default(batch, 0), batch.float() / 255)
    mirrored = make_augment(dataclasses.replace(data, flip=True), Recipe(**{**PLAIN, "flip": None}))
    assert not torch.equal(mirrored(batch, 0), batch.float() / 255)


def test_the_crop_follows_the_image_size():
    data = load_data(DataSpec(size=32))
    white = torch.full((400, 1, 32, 32), 255, dtype=torch.uint8)
    shifted = make_augment(data, Recipe(**{**PLAIN, "crop_padding": None}))(white, 0)
    assert int((shifted[:, 0, :, 16] == 0).sum(1).max()) == 4  # an eighth of 32
