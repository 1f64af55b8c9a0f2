"""The 15 corruptions: arithmetic of those that have a closed form, ranges, sizes and severities of all."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image
from recording import StopWhen
from scipy import ndimage
from torch import nn

from dcanas.basics.errors import Stopped, UserError
from dcanas.robustness import corrupt, corruption_accuracy, corruptions
from dcanas.robustness.corruptions.apply import CorruptionAccuracy
from dcanas.robustness.corruptions.weather import plasma
from dcanas.robustness.proportion import Proportion

NAMES = ("gaussian_noise", "shot_noise", "impulse_noise", "defocus_blur", "glass_blur", "motion_blur", "zoom_blur",
         "snow", "frost", "fog", "brightness", "contrast", "elastic_transform", "pixelate", "jpeg_compression")


def _pictures(count: int = 4, channels: int = 3, height: int = 32, width: int = 32) -> np.ndarray:
    """Smooth random images with an edge, float32 (N, C, H, W)."""
    rng = np.random.default_rng(0)
    images = ndimage.gaussian_filter(rng.random((count, channels, height, width)), (0, 0, 2, 2))
    images = (images - images.min()) / np.ptp(images) * 0.6 + 0.1
    images[..., width // 2:] += 0.25
    return images.astype(np.float32)


def _steps(values: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(values, 0, 1) * 255) / 255


def test_these_are_the_fifteen() -> None:
    assert sorted(corruptions) == sorted(NAMES)


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 9, 12), (3, 48, 40)])
@pytest.mark.parametrize("name", NAMES)
def test_any_size_from_eight_pixels_stays_in_range_and_belongs_to_the_seed(name: str, shape: tuple) -> None:
    images = _pictures(2, *shape)
    for severity in (1, 5):
        changed = corrupt(images, name, severity, seed=1)
        assert changed.shape == images.shape
        assert changed.dtype == np.float32
        assert changed.min() >= 0
        assert changed.max() <= 1
        np.testing.assert_allclose(changed * 255, np.rint(changed * 255), atol=1e-4)  # as an image file holds it
        np.testing.assert_array_equal(changed, corrupt(images, name, severity, seed=1))
        np.testing.assert_array_equal(changed[1:], corrupt(images[1:], name, severity, seed=1, indices=[1]))


@pytest.mark.parametrize("name", NAMES)
def test_severity_five_changes_more_than_severity_one(name: str) -> None:
    images = _pictures()
    small, large = (np.abs(corrupt(images, name, severity) - images).mean() for severity in (1, 5))
    if name == "elastic_transform":  # the published parameters trade the affine part for the local one
        assert min(small, large) > 0.005
    else:
        assert large > 1.1 * small > 0


def test_noise_has_its_published_size() -> None:
    grey = np.full((4, 3, 32, 32), 0.5, np.float32)  # 12,288 values: the sample deviation is within 2 %
    for severity, (sigma, photons, share) in enumerate(zip((.04, .06, .08, .09, .1), (500, 250, 100, 75, 50),
                                                           (.01, .02, .03, .05, .07), strict=True), start=1):
        assert (corrupt(grey, "gaussian_noise", severity) - 0.5).std() == pytest.approx(sigma, rel=0.03)
        assert (corrupt(grey, "shot_noise", severity) - 0.5).std() == pytest.approx((0.5 / photons)**0.5, rel=0.03)
        hit = np.isin(corrupt(grey, "impulse_noise", severity), (0, 1)).mean()
        assert hit == pytest.approx(share, abs=4 * (share / 12288)**0.5)


def test_contrast_brightness_and_jpeg_by_hand() -> None:
    images = _pictures()
    mean = images.astype(np.float64).mean(axis=(2, 3), keepdims=True)
    np.testing.assert_allclose(corrupt(images, "contrast", 3), _steps((images - mean) * 0.4 + mean), atol=1.01 / 255)
    bright = corrupt(images, "brightness", 2)
    for before, after in zip(_hsv(images), _hsv(bright), strict=True):  # value + 0.1, hue and saturation as they were
        assert np.abs(after[..., 2].astype(int) - np.minimum(before[..., 2].astype(int) + 25.5, 255)).max() <= 1.5
        assert np.abs(after[..., 1].astype(int) - before[..., 1].astype(int)).mean() < 2
    file = io.BytesIO()
    pixels = np.rint(images[0] * 255).astype(np.uint8).transpose(1, 2, 0)
    Image.fromarray(pixels).save(file, "JPEG", quality=40)
    expected = np.asarray(Image.open(file)).transpose(2, 0, 1) / 255
    np.testing.assert_allclose(corrupt(images[:1], "jpeg_compression", 5)[0], expected, atol=1e-6)


def _hsv(images: np.ndarray) -> list[np.ndarray]:
    return [np.asarray(Image.fromarray(np.rint(i * 255).astype(np.uint8).transpose(1, 2, 0)).convert("HSV"))
            for i in images]


def test_blurs_keep_the_mean_and_smear_a_point_as_they_should() -> None:
    point = np.zeros((1, 1, 33, 33), np.float32)
    point[..., 16, 16] = 1
    spread = {name: corrupt(point, name, 5)[0, 0] for name in ("defocus_blur", "motion_blur", "zoom_blur")}
    rows, columns = (np.arange(33) - 16)[:, None], (np.arange(33) - 16)[None]
    disc = spread["defocus_blur"] > 0.05  # radius 1.5: the 3 x 3 pixels whose centres are within it
    np.testing.assert_array_equal(disc, (abs(rows) <= 1) & (abs(columns) <= 1))
    assert spread["defocus_blur"].sum() == pytest.approx(1, abs=0.05)
    smear = spread["motion_blur"]  # one-sided, along one direction, at most 2 * 9 pixels long
    assert smear.sum() == pytest.approx(1, abs=0.05)
    assert (smear[:, 17:].sum() == 0) != (smear[:, :16].sum() == 0)
    assert np.count_nonzero(smear.max(axis=0)) <= 19
    flat = np.full((1, 3, 32, 32), 0.4, np.float32)
    for name in ("defocus_blur", "glass_blur", "motion_blur", "zoom_blur", "pixelate", "elastic_transform", "contrast"):
        np.testing.assert_allclose(corrupt(flat, name, 4), flat, atol=1.01 / 255, err_msg=name)


def test_the_haze_is_a_fractal_from_zero_to_one() -> None:
    rough, smooth = (plasma(64, 48, decay, np.random.default_rng(0)) for decay in (1.5, 3.0))
    for field in (rough, smooth):
        assert field.shape == (64, 48)
        assert field.min() >= 0
        assert 0.5 < field.max() <= 1
    assert np.abs(np.diff(rough, axis=0)).mean() > 2 * np.abs(np.diff(smooth, axis=0)).mean()


def test_accuracy_is_the_mean_over_corruptions_and_severities() -> None:
    images = _pictures(6)
    labels = (images.mean(axis=(1, 2, 3)) > np.median(images.mean(axis=(1, 2, 3)))).astype(np.int64)
    level = float(np.median(images.mean(axis=(1, 2, 3))))

    def predict(x: np.ndarray) -> np.ndarray:
        bright = x.mean(axis=(1, 2, 3)) - level
        return np.stack([-bright, bright], 1)

    found = corruption_accuracy(predict, images, labels, ["brightness", "contrast"], [1, 5])
    assert found.clean.correct == 6
    expected = {(name, s): int((predict(corrupt(images, name, s)).argmax(1) == labels).sum())
                for name in ("brightness", "contrast") for s in (1, 5)}
    assert {key: rate.correct for key, rate in found.rates.items()} == expected
    assert expected["brightness", 5] == 3  # every image became a bright one
    assert float(found) == pytest.approx(sum(expected.values()) / 24)
    assert len(found.as_json()["rows"]) == 4


def test_bad_input_gets_one_sentence() -> None:
    images = _pictures(2)
    for arguments, sentence in (((images, "gaussian", 1), "Unknown corruption 'gaussian'; did you mean"),
                                ((images, "fog", 6), "from 1 to 5, got 6"),
                                ((images * 255, "fog", 1), "divide them by 255"),
                                ((images[:, :2], "fog", 1), r"grey or RGB images of at least 8x8 pixels"),
                                ((images[:, :, :7], "fog", 1), r"got shape \(C, H, W\) = \(3, 7, 32\)"),
                                ((images[:0], "fog", 1), "the set is empty")):
        with pytest.raises(UserError, match=sentence):
            corrupt(*arguments)
    with pytest.raises(UserError, match="at least one corruption"):
        corruption_accuracy(nn.Flatten(), images, np.zeros(2, np.int64), [])
    with pytest.raises(UserError, match="NaN"):
        corruption_accuracy(lambda x: torch.full((len(x), 2), torch.nan), images, np.zeros(2, np.int64), ["fog"])


def test_the_means_interval_counts_images_and_not_corruptions() -> None:
    images = np.random.default_rng(0).random((40, 1, 8, 8)).astype(np.float32)
    labels = np.array([0] * 28 + [1] * 12)

    def always_first(array: np.ndarray) -> np.ndarray:
        return np.tile([1.0, 0.0], (len(array), 1))

    found = corruption_accuracy(always_first, images, labels, ["fog", "contrast"], [1, 5])
    assert found.mean == 0.7
    assert found.interval == pytest.approx(Proportion(28, 40).interval)  # every image is right always or never

    def by_pixel(array: np.ndarray) -> np.ndarray:
        return np.stack([array[:, 0, 3, 3] - 0.5, 0.5 - array[:, 0, 3, 3]], 1)

    half = corruption_accuracy(by_pixel, images, labels, ["gaussian_noise", "shot_noise", "fog"], [5])
    width, alone = np.ptp(half.interval), np.ptp(Proportion(round(half.mean * 40), 40).interval)
    assert 0.5 * alone < width < alone  # answers under several corruptions are not alike


def test_corruptions_go_on_after_a_stop(tmp_path, monkeypatch) -> None:
    images = np.random.default_rng(0).random((6, 1, 8, 8)).astype(np.float32)
    labels = np.array([0, 1, 0, 1, 0, 1])
    asked = []

    def model(array: np.ndarray) -> np.ndarray:
        asked.append(len(array))
        return np.stack([array.mean((1, 2, 3)), np.full(len(array), 0.5)], 1)

    def measured(**options) -> CorruptionAccuracy:
        return corruption_accuracy(model, images, labels, ["fog", "contrast"], [1, 2], model_key="m", folder=tmp_path,
                                   **options)

    with pytest.raises(Stopped, match="stopped after 1 corruptions"):
        measured(hooks=StopWhen(lambda: True))
    whole = measured()
    assert len(asked) == 2 + 4  # the clean pass twice, every corruption once
    assert whole.rates == corruption_accuracy(model, images, labels, ["fog", "contrast"], [1, 2]).rates
    with pytest.raises(UserError, match="belongs to another model"):
        measured(seed=1)
