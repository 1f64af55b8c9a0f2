"""Blur of the lens, the glass before it and of motion. Each function: image float (H, W, C) in [0, 1] -> same shape."""

from __future__ import annotations

import math

import numpy as np
from numpy.random import Generator
from scipy import ndimage

from dcanas.robustness.corruptions.corruption import pixels


def defocus_blur(image: np.ndarray, severity: int, rng: Generator) -> np.ndarray:
    """Convolve with a disc whose edge is softened."""
    radius, soft = ((0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1, 0.2), (1.5, 0.1))[severity - 1]
    scale = pixels(*image.shape[:2])
    reach, edge = math.ceil(radius * scale), math.ceil(scale)
    grid = np.arange(-reach - edge, reach + edge + 1)
    disc = (grid[:, None] ** 2 + grid[None] ** 2 <= (radius * scale) ** 2).astype(float)
    kernel = ndimage.gaussian_filter(disc / disc.sum(), soft * scale, mode="constant", radius=edge)
    return ndimage.convolve(image, (kernel / kernel.sum())[..., None], mode="mirror")


def glass_blur(image: np.ndarray, severity: int, rng: Generator) -> np.ndarray:
    """Blur, let each pixel show one of its neighbours, blur again: frosted glass.

    The paper speaks of swapping; the code that made the published images copies, which is what is done here.
    """
    sigma, reach, rounds = ((0.05, 1, 1), (0.25, 1, 1), (0.4, 1, 1), (0.25, 1, 2), (0.4, 1, 2))[severity - 1]
    height, width = image.shape[:2]
    scale = pixels(height, width)
    reach, sigma = round(reach * scale), sigma * scale
    image = _gaussian(image, sigma)
    rows, columns = np.mgrid[reach + 1:height - reach + 1, reach + 1:width - reach + 1]
    for _ in range(rounds):
        down, right = rng.integers(-reach, reach, (2, *rows.shape))
        shown = image[rows + down, columns + right]
        image = image.copy()
        image[rows, columns] = shown
    return _gaussian(image, sigma)


def motion_blur(image: np.ndarray, severity: int, rng: Generator) -> np.ndarray:
    """Smear along a direction within 45 degrees of the horizontal, fading."""
    radius, sigma = ((6, 1), (6, 1.5), (6, 2), (8, 2), (9, 2.5))[severity - 1]
    return smear(image, radius, sigma, rng.uniform(-45, 45))


def zoom_blur(image: np.ndarray, severity: int, rng: Generator) -> np.ndarray:
    """Average the image with itself enlarged in steps of 1 %: motion towards the object."""
    steps = (6, 11, 16, 21, 26)[severity - 1]
    factors = 1 + 0.01 * np.arange(steps)
    return (image + sum(enlarge(image, factor) for factor in factors)) / (steps + 1)


def smear(image: np.ndarray, radius: float, sigma: float, degrees: float) -> np.ndarray:
    """Return the mean of shifted images with weights of half a Gaussian along one direction (as ImageMagick does).

    Args:
        image: (H, W, C).
        radius: length of the kernel's half, in pixels at 32 x 32.
        sigma: of the Gaussian, in pixels at 32 x 32.
        degrees: direction.
    """
    height, width = image.shape[:2]
    scale = pixels(height, width)
    along = np.arange(2 * math.ceil(radius * scale) + 1)
    weights = np.exp(-along**2 / (2 * (sigma * scale) ** 2))
    angle = math.radians(degrees)
    right, down = (np.ceil(along * f - 0.5).astype(int) for f in (math.cos(angle), math.sin(angle)))
    total = np.zeros_like(image)
    for weight, x, y in zip(weights / weights.sum(), right, down, strict=True):
        rows = np.clip(np.arange(height) + y, 0, height - 1)
        columns = np.clip(np.arange(width) + x, 0, width - 1)
        total += weight * image[rows[:, None], columns]
    return total


def enlarge(image: np.ndarray, factor: float) -> np.ndarray:
    """Return the middle of an image (H, W, C) enlarged by `factor`, bilinearly, in the image's own size."""
    height, width = image.shape[:2]
    rows, columns = math.ceil(height / factor), math.ceil(width / factor)
    top, left = (height - rows) // 2, (width - columns) // 2
    middle = image[top:top + rows, left:left + columns]
    large = ndimage.zoom(middle, (factor, factor, 1), order=1)
    top, left = (large.shape[0] - height) // 2, (large.shape[1] - width) // 2
    return large[top:top + height, left:left + width]


def _gaussian(image: np.ndarray, sigma: float) -> np.ndarray:
    return ndimage.gaussian_filter(image, (sigma, sigma, 0), mode="nearest")
