"""What every step of a supernet of slices trains: the slices of one frame, on images of its size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from dcanas.search.elastic.sandwich import Draw, Lesson
from dcanas.search.slices.frames import Frame
from dcanas.search.task import SearchTask
from dcanas.training import Dataset, Recipe


def slices_recipe(recipe: Recipe, epochs: int) -> Recipe:
    """Return the recipe of the final training with as many epochs as the supernet has, and one rate for all layers:
    a supernet has several last ones."""
    return replace(recipe, epochs=epochs, warmup_epochs=min(recipe.warmup_epochs, epochs / 4), last_layer_rate=1.0)


def lessons(frames: Sequence[Frame], task: SearchTask, largest_epochs: int, random_members: int) -> Draw:
    """Return the lessons: a frame drawn uniformly, its largest network, and later its smallest and random ones too.

    Args:
        largest_epochs: epochs in which only the largest networks learn: the others inherit from them, and know nothing
            before these do.
    """
    def draw(epoch: int, rng: np.random.Generator) -> Lesson:
        frame = frames[int(rng.integers(len(frames)))]
        others = [] if epoch < largest_epochs else [
            frame.ends[1], *(frame.space.sample(rng) for _ in range(random_members))]
        return Lesson(images_of(frame, task), frame.largest, others)
    return draw


def images_of(frame: Frame, task: SearchTask) -> Dataset:
    """Return the data set at the size of a frame's images."""
    return task.dataset.at(frame.space.input_shape(frame.largest, task.dataset.shape, **task.skeleton)[1:])
