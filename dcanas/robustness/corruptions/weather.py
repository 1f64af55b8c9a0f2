"""Snow, frost, fog and light. Each function: image float (H, W, C) in [0, 1] -> same shape."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from dcanas.robustness.corruptions.blur import enlarge, smear

_GREY = (0.299, 0.587, 0.114)
_ICE = (0.86, 0.94, 1.0)


def snow(image: np.ndarray, severity: int, rng: Generator) -> np.ndarray:
    """Let flakes fall in two directions over a paler image."""
    mean, spread, zoom, threshold, radius, sigma, kept = (
        (0.1, 0.2, 1, 0.6, 8, 3, 0.95), (0.1, 0.2, 1, 0.5, 10, 4, 0.9), (0.15, 0.3, 1.75, 0.55, 10, 4, 0.9),
        (0.25, 0.3, 2.25, 0.6, 12, 6, 0.85), (0.3, 0.3, 1.25, 0.65, 14, 12, 0.8))[severity - 1]
    layer = enlarge(rng.normal(mean, spread, (*image.shape[:2], 1)), zoom)
    layer = np.clip(np.where(layer < threshold, 0, layer), 0, 1)
    layer = smear(layer, radius, sigma, rng.uniform(-135, -45))
    grey = image @ np.array(_GREY)[:, None] if image.shape[2] == 3 else image
    pale = kept * image + (1 - kept) * np.maximum(image, grey * 1.5 + 0.5)
    return pale + layer + np.rot90(layer, 2)


def frost(image: np.ndarray, severity: int, rng: Generator) -> np.ndarray:
    """Lay ice over the image.

    The published corruption overlays one of five photographs; here the ice is drawn: the ridges of a fractal.
    """
    kept, ice = ((1, 0.2), (1, 0.3), (0.9, 0.4), (0.85, 0.4), (0.75, 0.45))[severity - 1]
    height, width = image.shape[:2]
    ridges = 1 - np.abs(2 * plasma(height, width, 1.8, rng) - 1)
    colour = np.array(_ICE) if image.shape[2] == 3 else np.ones(1)
    return kept * image + ice * ridges[..., None] ** 2 * colour


def fog(image: np.ndarray, severity: int, rng: Generator) -> np.ndarray:
    """Add a fractal haze and scale the whole back to the image's brightest value."""
    amount, decay = ((0.2, 3), (0.5, 3), (0.75, 2.5), (1, 2), (1.5, 1.75))[severity - 1]
    height, width = image.shape[:2]
    haze = plasma(height, width, decay, rng)[..., None]
    return (image + amount * haze) * image.max() / max(image.max() + amount, 1e-12)


def brightness(image: np.ndarray, severity: int, rng: Generator) -> np.ndarray:
    """Raise the value of HSV; hue and saturation stay, which scales a pixel's colours together."""
    value = image.max(axis=2, keepdims=True)
    raised = np.minimum(value + (0.05, 0.1, 0.15, 0.2, 0.3)[severity - 1], 1)
    return np.where(value > 0, image * raised / np.where(value > 0, value, 1), raised)


def plasma(height: int, width: int, decay: float, rng: Generator) -> np.ndarray:
    """Return a fractal height map (H, W) from 0 to 1 by the diamond-square algorithm on a torus.

    Args:
        decay: factor by which the randomness falls from one scale to the next finer one.
    """
    side = 1 << (max(height, width) - 1).bit_length()
    field = np.zeros((side, side))
    step, wobble = side, 1.0
    while step >= 2:
        half = step // 2

        def centre(four: np.ndarray, wobble: float = wobble) -> np.ndarray:
            return four / 4 + rng.uniform(-wobble, wobble, four.shape)

        corners = field[::step, ::step]
        pairs = corners + np.roll(corners, -1, axis=0)
        field[half::step, half::step] = centre(pairs + np.roll(pairs, -1, axis=1))
        middles = field[half::step, half::step]
        for axis, (rows, columns) in enumerate(((slice(0, None, step), slice(half, None, step)),
                                                (slice(half, None, step), slice(0, None, step)))):
            pairs = middles + np.roll(middles, 1, axis) + corners + np.roll(corners, -1, 1 - axis)
            field[rows, columns] = centre(pairs)
        step, wobble = half, wobble / decay
    field -= field.min()
    return (field / field.max())[:height, :width]
