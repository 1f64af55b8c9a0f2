"""Colours of training images: jitter, lighting and the learnt policies."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from dcanas.training.draws import Draw
from dcanas.training.recipe_parts import Colour

if TYPE_CHECKING:
    from torchvision.transforms import v2

GREY = (0.2989, 0.587, 0.114)  # weights of red, green and blue in brightness (ITU-R 601, as torchvision rounds them)
# Standard deviations and directions of the principal components of ImageNet's colours, in [0, 1] units.
LIGHT_DEVIATIONS = (0.2175, 0.0188, 0.0045)
LIGHT_DIRECTIONS = ((-0.5675, 0.7192, 0.4009), (-0.5808, -0.0045, -0.8140), (-0.5836, -0.6948, 0.4203))


def jitter(images: Tensor, colour: Colour, draw: Draw) -> Tensor:
    """Return images (N, C, H, W) of changed brightness, contrast, saturation and hue.

    The amounts are drawn for each image, the order of the four steps once for the batch.
    """
    steps = (_brightness, _contrast, _saturation, turn_hue)
    ranges = (colour.brightness, colour.contrast, colour.saturation, colour.hue)
    for i in draw.order(4):
        if ranges[i]:
            amount = ranges[i] * (2 * draw.uniform(..., 1, 1, 1) - 1)
            images = steps[i](images, (amount if steps[i] is turn_hue else 1 + amount).to(images.device))
    return images


def lighting(images: Tensor, deviation: float, draw: Draw) -> Tensor:
    """Return images (N, 3, H, W) whose colours are shifted along ImageNet's principal ones (Krizhevsky et al., 2012).

    The released script of WRCor adds the same numbers to pixels from 0 to 255, where they vanish.

    Args:
        deviation: standard deviation of the shift along each component, relative to ImageNet's, in [0, 1] units.
    """
    amount = deviation * draw.normal(..., 3) * torch.tensor(LIGHT_DEVIATIONS)
    shift = amount @ torch.tensor(LIGHT_DIRECTIONS).T
    return (images + shift.to(images.device)[:, :, None, None]).clamp(0, 1)


def auto_augment(images: Tensor, policy: str, draw: Draw) -> Tensor:
    """Return images (N, C, H, W), each transformed by itself by torchvision's AutoAugment or AugMix on 8 bits.

    torchvision draws from torch's global generator, which is seeded for every sample and restored afterwards.

    Args:
        policy: "augmix", or an AutoAugment policy: "cifar10", "imagenet", "svhn".
    """
    transform = _policy(policy)
    seeds = draw.integer(2**62, ...).tolist()
    eight_bits = (images * 255).round().byte()
    with torch.random.fork_rng(devices=[]):
        done = []
        for image, seed in zip(eight_bits, seeds, strict=True):
            torch.default_generator.manual_seed(seed)
            done.append(transform(image))
    return torch.stack(done).float() / 255


def turn_hue(images: Tensor, amount: Tensor) -> Tensor:
    """Return RGB images (N, 3, H, W) of turned hue; brightness and saturation in HSV stay.

    Args:
        amount: share of the colour circle for each image (N, 1, 1, 1).
    """
    value, spread = images.amax(1), images.amax(1) - images.amin(1)
    red, green, blue = images.unbind(1)
    safe = torch.where(spread > 0, spread, torch.ones_like(spread))
    sixths = torch.where(value == red, (green - blue) / safe % 6,
                         torch.where(value == green, (blue - red) / safe + 2, (red - green) / safe + 4))
    sixths = sixths + 6 * amount[:, 0]
    distances = [(n + sixths) % 6 for n in (5, 3, 1)]
    return torch.stack([value - spread * torch.minimum(k, 4 - k).clamp(0, 1) for k in distances], 1)


def _brightness(images: Tensor, factor: Tensor) -> Tensor:
    return (images * factor).clamp(0, 1)


def _contrast(images: Tensor, factor: Tensor) -> Tensor:
    return _blend(images, _grey(images).mean((1, 2, 3), keepdim=True), factor)


def _saturation(images: Tensor, factor: Tensor) -> Tensor:
    return _blend(images, _grey(images), factor)


def _blend(images: Tensor, other: Tensor, factor: Tensor) -> Tensor:
    return (factor * images + (1 - factor) * other).clamp(0, 1)


def _grey(images: Tensor) -> Tensor:
    if images.shape[1] == 1:
        return images
    return (images * images.new_tensor(GREY).view(3, 1, 1)).sum(1, keepdim=True)


@cache
def _policy(name: str) -> v2.Transform:
    from torchvision.transforms import v2

    if name == "augmix":  # as published without colour, contrast, brightness and sharpness: tests corrupt those
        return v2.AugMix(all_ops=False)
    return v2.AutoAugment(v2.AutoAugmentPolicy(name))
