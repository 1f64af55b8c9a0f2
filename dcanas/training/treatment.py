"""What training does to images, in a sentence: whoever has arrows, text or scans should read it."""

from __future__ import annotations

from dcanas.training.data import Dataset
from dcanas.training.recipe import Recipe

MUCH = 0.8  # share of an image's area: crops below it are pointed out


def treatment(dataset: Dataset, recipe: Recipe) -> str:
    """Return the sentence: whether images are mirrored, cropped, turned, recoloured or mixed, and how to leave it."""
    mirror = dataset.flip if recipe.flip is None else recipe.flip
    done = ["mirrored left to right (train.flip=false leaves this)"] if mirror else []
    if recipe.crop_padding is None:  # whatever size of images the network takes
        done.append("shifted by up to an eighth of their shorter side")
    elif recipe.crop_padding:
        done.append(f"shifted by up to {recipe.crop_padding} pixels")
    if recipe.crop_scale:
        low, high = (f"{100 * share:.0f}" for share in recipe.crop_scale)
        much = ", so that much may be cut away" if recipe.crop_scale[0] < MUCH else ""
        done.append(f"cropped to {low} to {high} % of their area{much} (train.crop_scale)")
    done += [f"rotated by up to {recipe.rotation:g} degrees (train.rotation)"] if recipe.rotation else []
    done += [f"scaled by up to {100 * recipe.zoom:g} %"] if recipe.zoom else []
    colour = recipe.colour
    if any((colour.brightness, colour.contrast, colour.saturation, colour.hue, colour.lighting)) \
            or colour.auto_augment != "none":
        done.append("changed in colour (train.colour)")
    done += ["partly covered"] if recipe.cutout or recipe.erasing else []
    done += ["mixed with others"] if recipe.mixup else []
    text = ", ".join(done[:-1]) + (" and " if len(done) > 1 else "") + done[-1] if done else "left as they are"
    return f"In training images are {text}{'' if mirror else '; they are not mirrored'}."
