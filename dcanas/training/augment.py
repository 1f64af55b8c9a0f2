"""Augmentation of whole batches, each sample by its own draw; a function of the batch and a seed.

torchvision's `transforms.v2` draws once per call, so that samples would have to be transformed one by one:
fifty times slower on a batch of 8x8 images than what follows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from dcanas.training.colour import auto_augment, jitter, lighting
from dcanas.training.data import Dataset
from dcanas.training.draws import Draw
from dcanas.training.recipe import Recipe
from dcanas.training.rectangles import crop_and_resize, erase


class Augment(Protocol):
    """A function from uint8 images (N, C, H, W) and a seed to augmented floats in [0, 1].

    Args:
        start: position of the first of these images in their batch.
        batch: number of images in the batch; None: these are all.
    """

    def __call__(self, images: Tensor, seed: int, start: int = 0, batch: int | None = None) -> Tensor: ...


def make_augment(dataset: Dataset, recipe: Recipe) -> Augment:
    """Return the augmentation of a recipe: geometry, colours, holes, in this order.

    What enters from outside the image is black, and what is cut out becomes the data's mean, as in the field's recipes
    (which cut after the normalisation). The crop's default padding is an eighth of the image's shorter side (4 pixels
    at 32, 1 at 8).

    Raises `UserError` for colour operations on grey images.
    """
    recipe.colour.check_channels(dataset.shape[0])
    side = min(dataset.shape[1:])
    padding = side // 8 if recipe.crop_padding is None else recipe.crop_padding
    mirror = dataset.flip if recipe.flip is None else recipe.flip
    hole = round(recipe.cutout * side)
    colour = recipe.colour
    jittered = any((colour.brightness, colour.contrast, colour.saturation, colour.hue))
    mean: Sequence[float] = dataset.moments[0] if hole or recipe.erasing else ()

    def augment(images: Tensor, seed: int, start: int = 0, batch: int | None = None) -> Tensor:
        draw = Draw(seed, len(images), start, batch)
        images = images.float() / 255
        if recipe.rotation or recipe.zoom:
            images = turn(images, recipe.rotation, recipe.zoom, draw)
        if mirror:
            images = flip(images, draw)
        if padding:
            images = crop(images, padding, draw)
        if recipe.crop_scale:
            images = crop_and_resize(images, recipe.crop_scale, recipe.crop_aspect, draw)
        if jittered:
            images = jitter(images, colour, draw)
        if colour.lighting:
            images = lighting(images, colour.lighting, draw)
        if colour.auto_augment != "none":
            images = auto_augment(images, colour.auto_augment, draw)
        if hole:
            images = cut_out(images, hole, draw, mean)
        if recipe.erasing:
            images = erase(images, recipe.erasing, draw, mean)
        return images

    return augment


def flip(images: Tensor, draw: Draw) -> Tensor:
    """Return images (N, C, H, W), each mirrored left to right with probability 1/2."""
    mirrored = draw.uniform(..., 1, 1, 1).to(images.device) < 0.5
    return torch.where(mirrored, images.flip(3), images)


def crop(images: Tensor, padding: int, draw: Draw) -> Tensor:
    """Return images (N, C, H, W), each padded and shifted by up to `padding` pixels along both axes (random crop)."""
    count, channels, height, width = images.shape
    padded = F.pad(images, (padding,) * 4)
    shift = draw.integer(2 * padding + 1, 2, ..., 1)
    rows = (shift[0] + torch.arange(height)).to(images.device)
    columns = (shift[1] + torch.arange(width)).to(images.device)
    sample = torch.arange(count, device=images.device)[:, None, None]
    channel = torch.arange(channels, device=images.device)[:, None]
    lines = padded[sample, channel, rows[:, None]]  # (N, C, H, padded width)
    return lines.gather(3, columns[:, None, None].expand(count, channels, height, width))


def turn(images: Tensor, degrees: float, zoom: float, draw: Draw) -> Tensor:
    """Return images (N, C, H, W), each rotated and scaled bilinearly around its centre.

    Args:
        degrees: largest rotation, either way.
        zoom: largest relative change of size: the scale lies from 1 - zoom to 1 + zoom.
    """
    uniform = 2 * draw.uniform(2, ...) - 1
    angle, scale = uniform[0] * math.radians(degrees), 1 + uniform[1] * zoom
    height, width = images.shape[2:]
    cos, sin, zero = angle.cos() / scale, angle.sin() / scale, torch.zeros_like(angle)
    matrix = torch.stack([torch.stack([cos, -sin * height / width, zero], 1),
                          torch.stack([sin * width / height, cos, zero], 1)], 1)
    grid = F.affine_grid(matrix.to(images.device), list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, padding_mode="zeros", align_corners=False)


def cut_out(images: Tensor, side: int, draw: Draw, fill: Sequence[float]) -> Tensor:
    """Return images (N, C, H, W), each with a square around a random pixel filled (Cutout, arXiv 1708.04552).

    Args:
        side: of the square, in pixels.
        fill: value of each channel.
    """
    height, width = images.shape[2:]
    start = [draw.integer(n, ..., 1) - side // 2 for n in (height, width)]
    rows, columns = ((torch.arange(n) >= s) & (torch.arange(n) < s + side)
                     for n, s in zip((height, width), start, strict=True))
    inside = (rows[:, None, :, None] & columns[:, None, None, :]).to(images.device)
    return torch.where(inside, images.new_tensor(fill).view(-1, 1, 1), images)
