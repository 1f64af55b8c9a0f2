"""What processing does to images. Each function: image float (H, W, C) in [0, 1] -> same shape."""

from __future__ import annotations

import io

import numpy as np
from numpy.random import Generator
from PIL import Image
from scipy import ndimage


def contrast(image: np.ndarray, severity: int, rng: Generator) -> np.ndarray:
    """Move every value towards the channel's mean."""
    mean = image.mean(axis=(0, 1), keepdims=True)
    return (image - mean) * (0.75, 0.5, 0.4, 0.3, 0.15)[severity - 1] + mean


def elastic_transform(image: np.ndarray, severity: int, rng: Generator) -> np.ndarray:
    """Shift three points at random (an affine map), then every pixel by a smooth random field."""
    strength, smoothness, shift = ((0, 0, 0.08), (0.05, 0.2, 0.07), (0.08, 0.06, 0.06), (0.1, 0.04, 0.05),
                                   (0.1, 0.03, 0.03))[severity - 1]  # in sides of the image
    size = np.array(image.shape[:2])
    side = int(size.min())
    middle, third = size // 2, side // 3
    source = middle + third * np.array([[1, 1], [1, -1], [-1, -1]])
    target = source + rng.uniform(-shift * side, shift * side, (3, 2))
    # rows of [position, 1] @ inverse = position in the original
    inverse = np.linalg.solve(np.column_stack([target, np.ones(3)]), source.astype(float))
    rows, columns = (c.astype(float) for c in np.mgrid[:size[0], :size[1]])
    places = np.stack([rows, columns, np.ones_like(rows)], axis=-1) @ inverse
    image = _sample(image, places[..., 0], places[..., 1], "mirror")
    down, right = (ndimage.gaussian_filter(rng.uniform(-1, 1, tuple(size)), smoothness * side, mode="reflect",
                                           truncate=3) * strength * side for _ in range(2))
    return _sample(image, rows + down, columns + right, "reflect")


def pixelate(image: np.ndarray, severity: int, rng: Generator) -> np.ndarray:
    """Shrink and enlarge again, by the mean of what a pixel covers."""
    share = (0.95, 0.9, 0.85, 0.75, 0.65)[severity - 1]
    height, width = image.shape[:2]
    picture = _picture(image)
    small = picture.resize((max(int(width * share), 1), max(int(height * share), 1)), Image.Resampling.BOX)
    return _values(small.resize((width, height), Image.Resampling.BOX), image)


def jpeg_compression(image: np.ndarray, severity: int, rng: Generator) -> np.ndarray:
    """Store as JPEG of low quality and read again."""
    file = io.BytesIO()
    _picture(image).save(file, "JPEG", quality=(80, 65, 58, 50, 40)[severity - 1])
    return _values(Image.open(file), image)


def _sample(image: np.ndarray, rows: np.ndarray, columns: np.ndarray, mode: str) -> np.ndarray:
    """Return the image at these places, bilinearly."""
    channels = [ndimage.map_coordinates(image[..., c], (rows, columns), order=1, mode=mode)
                for c in range(image.shape[2])]
    return np.stack(channels, axis=-1)


def _picture(image: np.ndarray) -> Image.Image:
    pixels = np.rint(image * 255).astype(np.uint8)
    return Image.fromarray(pixels[..., 0] if image.shape[2] == 1 else pixels)


def _values(picture: Image.Image, like: np.ndarray) -> np.ndarray:
    return (np.asarray(picture, dtype=np.float64) / 255).reshape(like.shape)
