"""Noise of the sensor. Each function: image float (H, W, C) in [0, 1], severity 1 to 5, generator -> same shape."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator


def gaussian_noise(image: np.ndarray, severity: int, rng: Generator) -> np.ndarray:
    """Add normal noise: low light."""
    return image + rng.normal(0, (0.04, 0.06, 0.08, 0.09, 0.10)[severity - 1], image.shape)


def shot_noise(image: np.ndarray, severity: int, rng: Generator) -> np.ndarray:
    """Count photons: Poisson noise at a number of photons for white."""
    photons = (500, 250, 100, 75, 50)[severity - 1]
    return rng.poisson(image * photons) / photons


def impulse_noise(image: np.ndarray, severity: int, rng: Generator) -> np.ndarray:
    """Set a share of the values to 0 or 1: bit errors."""
    share = (0.01, 0.02, 0.03, 0.05, 0.07)[severity - 1]
    hit, salt = rng.random(image.shape) < share, rng.random(image.shape) < 0.5
    return np.where(hit, salt.astype(image.dtype), image)
